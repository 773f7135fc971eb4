"""The three modes, roll-out beyond the trained length, and its schedule."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers_frames import FUTURE, SEEN, SIDE, heard, inputs, network, presence
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

from mmstconv.evaluation.frames import GAUSSIAN_11, structural_similarity
from mmstconv.models.predictors import (
    ConvLSTMNetwork,
    FramePredictor,
    SimVPNetwork,
)
from mmstconv.models.predictors.roll_out import OwnPredictions

RGB = dict(
    type="ActionDataPreprocessor", mean=[0] * 3, std=[255] * 3, format_shape="NCTHW"
)
LOSSES = ("FrameMSELoss", "FrameL1Loss", "FrameSSIMLoss", "GradientDifferenceLoss")


def clips(samples=2):
    return {name: value[:, None] for name, value in inputs(samples).items()}


def samples_of(count=2, frames=FUTURE, **meta):
    found = []
    for _ in range(count):
        sample = ActionDataSample(metainfo=meta)
        truth = torch.randint(0, 256, (3, frames, SIDE, SIDE), dtype=torch.uint8)
        sample.set_field(truth, "gt_frames")
        found.append(sample)
    return found


def test_three_modes():
    model = FramePredictor(network(), score_subsets=True)
    x, samples = clips(), samples_of()
    assert model(x).shape == (2, 3, FUTURE, SIDE, SIDE)
    losses = model(x, samples, mode="loss")
    assert list(losses) == ["loss_mse"]
    losses["loss_mse"].backward()
    found = model.eval()(x, samples, mode="predict")
    frames = found[0].pred_frames
    assert frames.shape == (3, FUTURE, SIDE, SIDE)
    assert 0 <= frames.min() and frames.max() <= 1
    assert list(found[0].subset_frames)[-1] == "rgb+flow+audio"
    torch.testing.assert_close(found[0].subset_frames["rgb+flow+audio"], frames)
    assert len(found[0].subset_frames) == 8


def test_metainfo_says_what_is_there():
    model = FramePredictor(heard(network())).eval()
    x = clips()
    whole = model(x, samples_of())
    silent = model(x, samples_of(presence=dict(audio=False)))
    expected = model(x, presence=presence(audio=[]))
    torch.testing.assert_close(silent, expected)
    assert not silent.allclose(whole, atol=1e-5)


@torch.no_grad()
def test_roll_out():
    model = FramePredictor(heard(network())).eval()
    x = clips()
    long = model(x, future=2 * FUTURE + 1)
    assert long.shape[2] == 2 * FUTURE + 1
    torch.testing.assert_close(long[:, :, :FUTURE], model(x))
    # by hand: what was forecast is what is seen, without sound and flow
    window = torch.cat([x["rgb"][:, 0], long[:, :, :FUTURE].clamp(0, 1)], 2)
    window = window[:, :, -x["rgb"].shape[3] :]
    second = model.network({**inputs(), "rgb": window}, presence(flow=[], audio=[]))
    torch.testing.assert_close(long[:, :, FUTURE : 2 * FUTURE], second)
    # predict gives as many as the truth has
    found = model(x, samples_of(frames=5), mode="predict")
    assert found[0].pred_frames.shape[1] == 5


@torch.no_grad()
def test_absent_frames_change_nothing_in_any_round():
    peers = [
        SimVPNetwork(seen=SEEN, spatial_channels=4, hidden_channels=8, blocks=2),
        ConvLSTMNetwork(seen=SEEN, future=FUTURE, hidden=(4,)),
    ]
    for net in (heard(network()), *peers):
        flow = dict(type="TVL1Flow") if "flow" in net.modalities else None
        model = FramePredictor(net, flow=flow).eval()
        here = presence(rgb=[1])  # the first sample lacks them
        x, long = clips(), 3 * net.future
        out = model(x, presence=here, future=long)
        x["rgb"][0] = float("nan")
        torch.testing.assert_close(model(x, presence=here, future=long), out)


@torch.no_grad()
def test_flow_of_what_was_forecast():
    """Flow beyond the trained length is that of the frames, in the inputs' unit."""
    flow = dict(type="ActionDataPreprocessor", mean=[0, 0], std=[2, 2],
                format_shape="NCTHW")  # fmt: skip
    parts = dict(rgb=RGB, flow=flow, audio=dict(type="ActionDataPreprocessor"))
    model = FramePredictor(
        heard(network()),
        flow=dict(type="TVL1Flow"),
        data_preprocessor=dict(type="TriModalDataPreprocessor", preprocessors=parts),
    )
    size = 32
    y, z = np.mgrid[:size, : 3 * size] / 4
    texture = torch.tensor(np.sin(y) * np.sin(z) / 2 + 0.5).float()
    frames = torch.stack([texture[:, 2 * k : 2 * k + size] for k in range(4)])
    seen = dict(
        rgb=frames[None, None].expand(1, 3, -1, -1, -1),
        flow=torch.zeros(1, 2, 4, size // 2, size // 2),
    )
    here = dict(rgb=torch.tensor([True]), flow=torch.tensor([False]))
    later, here = model._go_on(
        seen, here, frames[None, None, 3:].expand(1, 3, -1, -1, -1)
    )
    assert here["flow"].all() and later["flow"].shape == seen["flow"].shape
    # the texture goes 2 pixels to the left: one of half the size, deviation 2
    inside = later["flow"][0, 0, :2, 4:-4, 4:-4]
    assert inside.median().item() == pytest.approx(-0.5, abs=0.1)
    assert not later["flow"][:, :, -1].any()


def test_own_predictions_grow():
    schedule = OwnPredictions(2, 6)
    shares = [schedule.advance(True) for _ in range(8)]
    assert shares == [0, 0, 0, 0.25, 0.5, 0.75, 1, 1]
    other = OwnPredictions(2, 6)
    other.load_state_dict(schedule.state_dict())
    assert other.advance(False) == 1
    assert OwnPredictions(0, 0).advance(True) == 1
    with pytest.raises(ValueError, match=r"own_predictions must be \(first, last\)"):
        OwnPredictions(3, 2)


def test_the_second_round_goes_on_from_the_truth_first():
    samples = samples_of(frames=2 * FUTURE)
    x = clips()
    model = FramePredictor(heard(network()), own_predictions=(10, 20)).eval()
    truth = torch.stack([one.gt_frames for one in samples]) / 255
    with torch.no_grad():
        forced = model(x, samples, mode="loss")["loss_mse"]
        first = model(x)
        later, here = model._go_on(inputs(), presence(), truth[:, :, :FUTURE])
        later["rgb"][:, :, :-FUTURE] = x["rgb"][:, 0, :, FUTURE:]
        second = model.network(later, here)
    expected = (torch.cat([first, second], 2) - truth).square().mean()
    torch.testing.assert_close(forced, expected)
    model.own_predictions.steps.fill_(99)
    model.own_predictions._count = None
    with torch.no_grad():
        free = model(x, samples, mode="loss")["loss_mse"]
        rolled = (model(x, future=2 * FUTURE) - truth).square().mean()
    torch.testing.assert_close(free, rolled)
    assert not free.isclose(forced)


def test_losses_are_their_formulas():
    rng = np.random.default_rng(0)
    truth = rng.random((2, 3, 4, 20, 24))
    forecast = np.clip(truth + rng.normal(0, 0.2, truth.shape), 0, 1)
    x, y = (torch.from_numpy(one) for one in (forecast, truth))
    ssim = np.mean(
        [structural_similarity(a, b, GAUSSIAN_11) for a, b in zip(forecast, truth)]
    )
    gradients = sum(
        np.abs(
            np.abs(np.diff(forecast, axis=k)) - np.abs(np.diff(truth, axis=k))
        ).mean()
        for k in (-1, -2)
    )
    expected = dict(
        FrameMSELoss=((forecast - truth) ** 2).mean(),
        FrameL1Loss=np.abs(forecast - truth).mean(),
        FrameSSIMLoss=1 - ssim,
        GradientDifferenceLoss=gradients,
    )
    assert tuple(expected) == LOSSES
    for kind, value in expected.items():
        loss = MODELS.build(dict(type=kind))
        assert loss(x, y).item() == pytest.approx(value, abs=1e-6), kind
        assert loss(y, y).item() == pytest.approx(0, abs=1e-7), kind


def test_losses_in_half_precision_are_those_of_float32():
    truth = 0.5 + 0.05 * torch.rand(1, 1, 2, 32, 32)
    forecast = (truth + 0.02 * torch.randn_like(truth)).bfloat16()
    for kind in LOSSES:
        loss = MODELS.build(dict(type=kind))
        wanted = loss(forecast.float(), truth)
        with torch.autocast("cpu", torch.bfloat16):
            torch.testing.assert_close(loss(forecast, truth), wanted, msg=kind)


def test_it_learns_to_move():
    """A square that goes a pixel a frame: far better than the last frame again."""
    torch.manual_seed(0)
    model = FramePredictor(network())
    optimizer = torch.optim.AdamW(model.parameters(), 5e-3)
    ratios = []
    for _ in range(25):
        frames = torch.zeros(8, 3, 4 + FUTURE, SIDE, SIDE)
        for row in range(8):
            top, left = (
                torch.randint(0, 9, (1,)).item(),
                torch.randint(0, 4, (1,)).item(),
            )
            for k in range(4 + FUTURE):
                frames[row, :, k, top : top + 6, left + k : left + k + 6] = 1
        x = dict(inputs(8), rgb=frames[:, :, :4])
        truth = frames[:, :, 4:]
        error = (model.network(x, presence(8)) - truth).square().mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        still = (frames[:, :, 3:4] - truth).square().mean()
        ratios.append((error / still).item())
    assert np.mean(ratios[-3:]) < 0.3


def test_dropout_of_what_a_child_config_leaves_out_does_not_count():
    rates = dict(flow=0.1, audio=0.2)
    net = ConvLSTMNetwork(seen=SEEN, future=FUTURE, hidden=(4,))
    assert FramePredictor(net, modality_dropout=rates).modality_dropout == {}
    assert FramePredictor(network(), modality_dropout=rates).modality_dropout == rates
    with pytest.raises(ValueError, match="'depth' has no stream"):
        FramePredictor(network(), modality_dropout=dict(depth=0.1))


def test_clear_errors():
    model = FramePredictor(network())
    x = clips()
    two = {name: value.repeat_interleave(2, 1) for name, value in x.items()}
    with pytest.raises(ValueError, match="one clip of each sample"):
        model(two)
    with pytest.raises(ValueError, match="no gt_frames: put SplitFuture"):
        samples = [ActionDataSample(metainfo=dict(filename="a.mp4"))] * 2
        model(x, samples, mode="loss")
    with pytest.raises(ValueError, match="frames in one batch"):
        model(x, [*samples_of(1), *samples_of(1, 2)], mode="loss")
    wrong = samples_of()
    wrong[1].set_field(wrong[1].gt_frames[:1], "gt_frames")
    with pytest.raises(ValueError, match=r"has channels, height and width \(1,"):
        model(x, wrong, mode="loss")
    with pytest.raises(ValueError, match="mode is 'train'"):
        model(x, mode="train")
    with pytest.raises(ValueError, match=r"frames must be brought to 0\.\.1"):
        parts = dict(rgb=dict(RGB, mean=[127] * 3))
        FramePredictor(
            network(),
            data_preprocessor=dict(
                type="TriModalDataPreprocessor", preprocessors=parts
            ),
        )
