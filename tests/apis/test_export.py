"""A recognizer as one graph, of any batch and any length of clips."""

from __future__ import annotations

import pytest
import torch
from mmaction.registry import MODELS

from mmstconv.apis import export_model

BANDS = 8


def build(padded=False, **joint):
    over_time = dict(mode="max", size=2)
    video = dict(
        type="STConvNet",
        temporal_padding=padded,
        stages=[dict(channels=4, temporal_pool=over_time), dict(channels=5)],
    )
    neck = dict(type="LSTMTemporalNeck", hidden_channels=6)
    sound = dict(
        type="AudioConvNet",
        in_channels=BANDS,
        stages=[dict(channels=4, pool=over_time)],
    )
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type="TriModalRecognizer",
            streams=dict(
                rgb=dict(backbone=dict(video, in_channels=3), neck=neck),
                flow=dict(backbone=dict(video, in_channels=2), neck=neck),
                audio=dict(backbone=sound, neck=neck),
            ),
            joint=dict(fusion=dict(type="GatedMultimodalUnit", channels=7), **joint),
            cls_head=dict(type="TriModalFusionHead", num_classes=3, init_std=1.0),
        )
    )
    return model.eval()


def batch(samples, frames, length):
    shapes = dict(rgb=(3, frames, 8, 8), flow=(2, frames, 8, 8), audio=(BANDS, length))
    inputs = {name: torch.randn(samples, 1, *shape) for name, shape in shapes.items()}
    presence = {name: torch.rand(samples) < 0.7 for name in inputs}
    presence["rgb"][0] = False
    return inputs, presence


def tensors(found):
    if isinstance(found, torch.Tensor):
        return [found]
    return [found.fused, *found.presence.values()]


@pytest.fixture(scope="module")
def exported():
    """A model, and the graphs of its scores and of its steps."""
    model = build()
    example = batch(3, 20, 40)
    return model, {
        stage: export_model(model, *example, stage=stage).module()
        for stage in ("head", "steps")
    }


@pytest.mark.parametrize("stage", ["head", "steps"])
def test_any_batch_and_any_length(exported, stage):
    model, graph = exported[0], exported[1][stage]
    for samples, frames, length in ((3, 20, 40), (2, 33, 61), (5, 24, 90)):
        inputs, presence = batch(samples, frames, length)
        found = graph(inputs, presence)
        with torch.no_grad():
            wanted = model(inputs, presence=presence, stage=stage)
        for one, other in zip(tensors(found), tensors(wanted)):
            torch.testing.assert_close(one, other)


def test_absent_content_does_not_count(exported):
    graph = exported[1]["head"]
    inputs, presence = batch(4, 20, 40)
    before = graph(inputs, presence)
    for name, here in presence.items():
        inputs[name][~here] = torch.nan
    assert graph(inputs, presence).equal(before)


def test_networks_that_pad_time_keep_its_length():
    model = build(padded=True, steps=2)
    graph = export_model(model, *batch(3, 8, 40)).module()
    inputs, presence = batch(4, 8, 40)
    with torch.no_grad():
        wanted = model(inputs, presence=presence)
    torch.testing.assert_close(graph(inputs, presence), wanted)


def test_a_single_sample_is_refused():
    with pytest.raises(ValueError, match="has 1 sample: give two or more"):
        export_model(build(), *batch(1, 20, 40))


def test_heads_of_summaries():
    """Importance of each step, of any batch, as the model gives it."""
    for kind in ("SummaryHead", "TrainingFreeSummaryHead"):
        model = build()
        model.cls_head = MODELS.build(dict(type=kind, in_channels=7)).eval()
        inputs, presence = batch(3, 40, 80)
        program = export_model(model, inputs, presence)
        inputs, presence = batch(2, 40, 80)
        with torch.no_grad():
            expected = model(inputs, presence=presence)
            found = program.module()(inputs, presence)
        assert expected.shape[0] == 2 and expected.dim() == 2
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
