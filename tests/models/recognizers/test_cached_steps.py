"""Joint and head on cached steps: padding, dropout, and streams that stand still."""

from __future__ import annotations

import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

WIDTHS = {"rgb": 8, "flow": 6, "audio": 4}


def samples_of(counts, total, presence=None):
    samples = []
    for row, count in enumerate(counts):
        here = presence[row] if presence else {}
        known = dict(step_count=count, presence=here, filename=f"{row}.mp4")
        known.update(clip_starts=[3.0 * row], clip_duration=0.25 * total)
        samples.append(ActionDataSample(metainfo=known).set_gt_label(row))
    return samples


def steps_of(rows, total):
    return {name: torch.randn(rows, 1, total, width) for name, width in WIDTHS.items()}


@pytest.fixture
def model(make_cfg):
    cfg = make_cfg(fusion=dict(type="ConcatFusion"))
    return MODELS.build(dict(cfg, cached_steps=True))


def test_padded_films(model):
    inputs, samples = steps_of(2, 7), samples_of([7, 3], 7)
    model.eval()
    fused = model.fuse(inputs, samples)
    assert fused.valid.tolist() == [7, 3]
    begins = 3.0 + 0.25 * torch.arange(7, dtype=torch.float64)
    torch.testing.assert_close(fused.seconds[1, :, 0], begins)
    other = {name: x.clone() for name, x in inputs.items()}
    for x in other.values():
        x[1, :, 3:] = 7.0  # padding
    for name, part in model.fuse(other, samples).subsets():
        assert part.steps.equal(dict(fused.subsets())[name].steps)
    alone = {name: x[1:, :, :3] for name, x in inputs.items()}
    one = model.fuse(alone, samples_of([3], 3))
    torch.testing.assert_close(one.steps, fused.steps[1:, :3])
    assert one.valid is None


def test_steps_of_the_joint_do_not_resample_a_film(make_cfg):
    cfg = make_cfg(fusion=dict(type="ConcatFusion"), steps=2)
    model = MODELS.build(dict(cfg, cached_steps=True)).eval()
    inputs = steps_of(1, 7)
    fused = model.fuse(inputs, samples_of([5], 7))
    assert fused.steps.shape[1] == 7 and fused.valid.tolist() == [5]
    assert fused.aligned["rgb"][0, :5].equal(inputs["rgb"][0, 0, :5])


def test_what_an_absent_modality_holds_changes_nothing(model):
    model.eval()
    inputs = steps_of(1, 5)
    samples = samples_of([5], 5, [dict(audio=False)])
    one = model.fuse(inputs, samples).steps
    inputs["audio"] += 9
    assert model.fuse(inputs, samples).steps.equal(one)
    everything = model.fuse(inputs, samples_of([5], 5)).only("rgb", "flow").steps
    torch.testing.assert_close(everything, one)


def test_only_joint_and_head_learn(make_cfg):
    cfg = make_cfg(fusion=dict(type="ConcatFusion"))
    rates = dict(rgb=1.0, flow=1.0)  # all that stays is sound
    model = MODELS.build(dict(cfg, cached_steps=True, modality_dropout=rates))
    before = {name: x.clone() for name, x in model.streams.state_dict().items()}
    model.train()
    inputs, samples = steps_of(3, 6), samples_of([6, 4, 6], 6)
    loss = sum(model(inputs, samples, mode="loss").values())
    again = {name: x * (1 if name == "audio" else 5) for name, x in inputs.items()}
    torch.manual_seed(0)
    model.cls_head.eval()
    one = model(inputs, samples, mode="loss")["loss_cls"]
    assert model(again, samples, mode="loss")["loss_cls"] == one
    loss.backward()
    assert all(p.grad is None for p in model.streams.parameters())
    assert any(p.grad is not None for p in model.cls_head.parameters())
    assert not any(part.training for part in model.streams.modules())
    assert all(x.equal(before[n]) for n, x in model.streams.state_dict().items())


def test_what_does_not_fit(model, make_cfg):
    with pytest.raises(ValueError, match=r"'audio'.*3 channels.*gives 4"):
        model.fuse(
            {**steps_of(1, 5), "audio": torch.zeros(1, 1, 5, 3)}, samples_of([5], 5)
        )
    clip = ActionDataSample(metainfo=dict(presence={}))
    with pytest.raises(ValueError, match="cached steps and clips"):
        model.fuse(steps_of(2, 5), [*samples_of([5], 5), clip])
    batch = dict(
        inputs={name: [torch.zeros(1, t, 2) for t in (4, 6)] for name in WIDTHS},
        data_samples=samples_of([4, 6], 6),
    )
    with pytest.raises(ValueError, match=r"4 to 6 steps in one batch.*CropFilmSteps"):
        model.data_preprocessor(batch)
    trunk = dict(type="STConvNet", stages=[dict(channels=4)])
    maps = make_cfg(fusion=dict(type="Conv3dFusion", trunk=trunk))
    with pytest.raises(ValueError, match=r"cached_steps: .* fuses maps"):
        MODELS.build(dict(maps, cached_steps=True))
