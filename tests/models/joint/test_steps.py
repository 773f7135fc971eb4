"""Fused features over time, against each step fused by itself."""

from __future__ import annotations

import math

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import nn

from mmstconv.models import Features, Joint, TriModalFusionHead
from mmstconv.models.fusion.base import FusionOperator

WIDTHS = dict(rgb=6, flow=5, audio=4)
LENGTHS = dict(rgb=7, flow=4, audio=9)
ROWS, CLASSES = 3, 4
OPERATORS = sorted(
    name
    for name, kind in MODELS.module_dict.items()
    if isinstance(kind, type) and issubclass(kind, FusionOperator)
)
TRUNK = dict(type="STConvNet", stages=[dict(channels=7)], norm_cfg=None)
# Row 0: all; row 1: rgb only; row 2: no flow.
HERE = dict(
    audio=torch.tensor([True, False, True]), flow=torch.tensor([True, False, False])
)


def is_of_maps(name):
    return MODELS.get(name).takes_maps


def build(name, **kwargs):
    more = dict(trunk=TRUNK, grid=(3, 4, 4)) if is_of_maps(name) else {}
    scores = dict(num_classes=CLASSES)
    joint = Joint(WIDTHS, fusion=dict(type=name, **more), scores=scores, **kwargs)
    for parameter in joint.parameters():
        nn.init.normal_(parameter)
    return joint.double()


def features(maps=False):
    space = {"rgb": (3, 4, 4), "flow": (3, 4, 4), "audio": (6,)}
    return {
        name: torch.randn(
            (ROWS, width, *space[name]) if maps else (ROWS, LENGTHS[name], width),
            dtype=torch.float64,
        )
        for name, width in WIDTHS.items()
    }


def mean_of_span(x, step, steps):
    """Of ``(T, D)``: all steps that a span touches count alike."""
    first = math.floor(step * len(x) / steps)
    last = math.ceil((step + 1) * len(x) / steps)
    return sum(x[t] for t in range(first, last)) / (last - first)


def fused_alone(operator, feats, row, step, steps):
    """One step of one clip, as if there were no others."""
    cell = {
        name: mean_of_span(x[row], step, steps)[None, None] for name, x in feats.items()
    }
    return operator(cell, {name: here[row : row + 1] for name, here in HERE.items()})


def test_every_operator_fuses_step_by_step():
    wrong = []
    for name in OPERATORS:
        for steps in (None, 3):
            if is_of_maps(name):
                continue
            joint, feats = build(name, steps=steps, over_time="steps"), features()
            found = joint(Features(feats, HERE)).steps
            count = steps or min(LENGTHS.values())
            assert found.shape == (ROWS, count, joint.out_channels), name
            for row in range(ROWS):
                for step in range(count):
                    wanted = fused_alone(joint.fusion, feats, row, step, count)
                    if not torch.allclose(found[row, step], wanted, rtol=0, atol=1e-10):
                        wrong.append((name, steps, row, step))
    assert not wrong


def test_steps_of_an_operator_of_maps_are_its_own():
    joint, maps = build("Conv3dFusion", over_time="steps"), features(maps=True)
    fused = joint(Features(maps, HERE))
    assert torch.equal(fused.steps, joint.fusion(maps, HERE))
    assert fused.steps.shape == (ROWS, 3, 7)


@pytest.mark.parametrize("reduction", ["LastState", "MeanOverTime"])
def test_a_vector_of_steps_is_their_reduction(reduction):
    joint = build("SumFusion", steps=3, temporal=dict(type=reduction))
    fused = joint(Features(features(), HERE))
    wanted = fused.steps[:, -1] if reduction == "LastState" else fused.steps.mean(1)
    assert torch.equal(fused.vector, wanted)


def test_what_an_absent_modality_holds_changes_nothing():
    """Neither forth nor back, NaN included."""
    wrong = []
    for name in OPERATORS:
        for steps in (None, 3):
            maps = is_of_maps(name)
            joint, feats = build(name, steps=steps), features(maps)
            results = []
            for content in (0.0, torch.nan, 1e30):
                held = {key: x.clone() for key, x in feats.items()}
                for key, here in HERE.items():
                    held[key][~here] = content
                for x in held.values():
                    x.requires_grad_()
                fused = joint(Features(held, HERE))
                joint.zero_grad()
                (fused.vector.square().sum() + fused.steps.square().sum()).backward()
                parts = [*held.values(), *joint.parameters()]
                grads = [p.grad.clone() for p in parts if p.grad is not None]
                results.append([fused.vector, fused.steps, *grads])
                for key, here in HERE.items():
                    if held[key].grad[~here].any():
                        wrong.append((name, steps, f"gradient of {key}"))
            for other in results[1:]:
                same = all(map(torch.equal, results[0], other))
                if not same or not all(one.isfinite().all() for one in other):
                    wrong.append((name, steps))
    assert not wrong


class LoudSteps(BaseModule):
    """Of each step, whether it is loud: a head that reads steps and nothing else."""

    over_time = "steps"

    def __init__(self, in_channels):
        super().__init__()
        self.fc = nn.Linear(in_channels, 1)

    def forward(self, fused):
        return self.fc(fused.steps)[..., 0]

    def loss(self, fused, data_samples):
        return dict(loss=self(fused).square().mean())


ATTENTION = dict(type="AttentionOverTime")


def test_a_head_of_steps_has_no_layers_that_reduce_time(
    make_cfg, make_inputs, make_samples
):
    cfg = make_cfg(temporal=ATTENTION, fusion=dict(type="GatedMultimodalUnit"))
    whole = MODELS.build(cfg)
    model = MODELS.build(dict(cfg, cls_head=dict(type=LoudSteps)))
    losses = model(make_inputs(), make_samples(), mode="loss")
    sum(losses.values()).backward()
    without = [name for name, p in model.named_parameters() if p.grad is None]
    assert not without
    names = dict(model.joint.named_parameters())
    assert not [name for name in names if "temporal" in name]
    assert [name for name, _ in whole.joint.named_parameters() if "temporal" in name]
    with pytest.raises(ValueError, match="this joint gives steps only: its head says"):
        model.extract_feat(make_inputs(), stage="fusion")


def test_only_streams_that_are_read_have_layers_that_reduce_time():
    layers = {
        (name, steps, over_time): [*build_names(steps, over_time, reads)]
        for name, steps, over_time, reads in (
            ("vector", None, "vector", ()),
            ("of steps", 3, "vector", ()),
            ("of steps, one read", 3, "vector", ("flow",)),
            ("steps, one read", None, "steps", ("flow",)),
            ("common steps", 3, "steps", ()),
        )
    }
    assert [*layers.values()] == [
        ["temporal.rgb", "temporal.flow", "temporal.audio"],
        ["fused_temporal"],
        ["temporal.flow", "fused_temporal"],
        ["temporal.flow"],
        [],
    ]


def build_names(steps, over_time, reads):
    joint = Joint(
        WIDTHS,
        temporal=ATTENTION,
        steps=steps,
        over_time=over_time,
        reads_streams=reads,
    )
    return dict.fromkeys(
        name.split(".score")[0]
        for name, _ in joint.named_parameters()
        if "temporal" in name
    )


def test_what_a_joint_refuses():
    per_stream = {name: ATTENTION for name in WIDTHS}
    per_stream["audio"] = dict(type="LastState")
    cases = (
        (dict(over_time="frames"), "over_time is 'frames', must be 'vector' or"),
        (dict(fusion=dict(type="Stew")), "no operator 'Stew'"),
        (dict(fusion=dict(type="LateFusion")), "LateFusion gives scores of classes"),
        (dict(temporal=dict(rgb=ATTENTION)), r"joint\.temporal: .*got those of \['r"),
        (dict(steps=2, temporal=per_stream), "temporal: .* one value for all streams"),
    )
    for kwargs, message in cases:
        with pytest.raises(ValueError, match=message):
            Joint(WIDTHS, **kwargs)
    late = dict(type="LateFusion", multi_class=True)
    with pytest.raises(ValueError, match="takes a softmax of all score"):
        Joint(WIDTHS, fusion=late, scores=dict(num_classes=3))


def test_the_classification_head_asks_for_what_it_reads():
    needs = TriModalFusionHead.needs(
        dict(num_classes=5, aux_loss_weight=dict(rgb=0.0, flow=1.0, audio=0.5)), WIDTHS
    )
    assert needs["reads_streams"] == ("flow", "audio")
    assert needs["scores"] == dict(num_classes=5, sigmoids=False, dropout=0.5)


def test_steps_are_a_count():
    for steps in (0, -1, 2.0, True, "4"):
        with pytest.raises(ValueError, match=r"joint\.steps is .*, expected a whole"):
            MODELS.build(dict(type="Joint", in_channels=dict(rgb=2), steps=steps))
