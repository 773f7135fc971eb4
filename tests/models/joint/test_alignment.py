"""Where steps lie in a clip, and what is averaged onto them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample
from torch import nn

from mmstconv.models import AudioConvNet, Features, Joint, STConvNet
from mmstconv.models.layers import StepGrid, align_edges, align_steps, window_of
from mmstconv.models.recognizers.batch import read_windows

WIDTHS = dict(rgb=3, flow=3, audio=3)


def concat(widths=WIDTHS, **kwargs):
    return Joint(widths, fusion=dict(type="ConcatFusion"), **kwargs)


def naive_means(x, own, wanted):
    """Edges are whole numbers: the mean of what stands at each unit of a span.

    Before the first and behind the last step stands that step.
    """
    means = []
    for begin, end in pairwise(wanted):
        total = np.zeros(x.shape[1])
        for unit in range(begin, end):
            step = 0
            while step < len(x) - 1 and unit >= own[step + 1]:
                step += 1
            total += x[step]
        means.append(total / (end - begin))
    return np.array(means)


def test_means_over_other_spans():
    generator = np.random.default_rng(0)
    for case in range(40):
        steps, spans = generator.integers(1, 9, 2)
        own = np.sort(generator.choice(60, (2, steps + 1)) + np.arange(steps + 1))
        wanted = np.cumsum(generator.integers(1, 15, (2, spans + 1)), 1) - 10
        x = generator.standard_normal((2, steps, 3))
        own, wanted = np.sort(own), np.sort(wanted)
        naive = [naive_means(*one) for one in zip(x, own, wanted)]
        found = align_edges(
            torch.tensor(x), torch.tensor(own).double(), torch.tensor(wanted).double()
        )
        np.testing.assert_allclose(
            found.numpy(), np.stack(naive), atol=1e-12, err_msg=f"case {case}"
        )


def test_equal_parts_of_the_clip_are_averaged_as_ever():
    """To the bit, so that models with padded networks keep their scores."""
    feats = {
        name: torch.randn(2, length, 3)
        for name, length in dict(rgb=8, flow=8, audio=13).items()
    }
    grids = dict.fromkeys(("rgb", "flow"), StepGrid(2.5, 2, 16))
    wrong = []
    for steps in (None, 8, 5, 16, 1):
        aligned = concat(steps=steps).align(Features(feats, {}))
        for name, x in feats.items():
            if not torch.equal(aligned[name], align_steps(x, steps or 8)):
                wrong.append((steps, name))
        # One grid for all that is not equal parts of the clip.
        same = {name: x for name, x in feats.items() if name != "audio"}
        joint = concat(dict.fromkeys(same, 3), steps=None)
        aligned = joint.align(Features(same, {}, grids=grids))
        wrong += [name for name, x in same.items() if not torch.equal(aligned[name], x)]
    assert not wrong


def mean_filter(net):
    """Every convolution gives the mean of all that it sees."""
    for module in net.modules():
        if isinstance(module, (nn.Conv3d, nn.Conv1d)):
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())
            nn.init.zeros_(module.bias)
    return net.eval().double()


PLAIN = dict(norm_cfg=None, act_cfg=None)
SPACE_OF_ONE = dict(padding=(1, 0, 0), kernel_size=(3, 1, 1))


def ramp_net(pools, channels=3, **kwargs):
    """A video network whose steps are means over time, and how it ends a ramp."""
    stages = [
        dict(channels=channels, **SPACE_OF_ONE, temporal_pool=dict(mode="avg", size=s))
        for s in pools
    ]
    return mean_filter(STConvNet(stages, **PLAIN, **kwargs))


@pytest.mark.parametrize("steps", [None, 4])
def test_streams_with_and_without_padding_show_one_moment(steps):
    """A ramp over time goes in; each step holds the second in the middle of it."""
    frames, ticks, begin, end = 40, 400, 3.0, 7.0
    at = torch.linspace(begin, end, frames + 1, dtype=torch.float64)
    video = (at[:-1] + at[1:]) / 2
    video = video[None, None, :, None, None].expand(1, 3, -1, 1, 1)
    at = torch.linspace(begin, end, ticks + 1, dtype=torch.float64)
    sound = ((at[:-1] + at[1:]) / 2)[None, None].expand(1, 3, -1)

    nets = dict(
        rgb=ramp_net((2, 2), temporal_padding=False),
        flow=ramp_net((2,), temporal_padding=False),
        audio=mean_filter(
            AudioConvNet(
                3,
                [dict(channels=3, kernel_size=1, pool=dict(mode="avg", size=5))],
                **PLAIN,
            )
        ),
    )
    inputs = dict(rgb=video, flow=video, audio=sound)
    feats = {
        name: net(inputs[name]).flatten(2).transpose(1, 2) for name, net in nets.items()
    }
    grids = {name: nets[name].step_grid(frames) for name in ("rgb", "flow")}
    window = torch.tensor([[begin, end]], dtype=torch.float64)
    fused = concat(steps=steps)(Features(feats, {}, window=window, grids=grids))
    aligned = {name: x[0, :, 0] for name, x in fused.aligned.items()}
    middles = fused.seconds.mean(2)[0]
    assert len(middles) == (steps or feats["rgb"].shape[1])
    for name, x in aligned.items():
        off = (x - middles).abs().max()
        assert off < 1e-5, (name, off)
        assert off < 0.05, (name, off)
    # As if it were equal parts of the clip, the ends would be off by a second or so.
    padded = align_steps(feats["rgb"], len(middles))[0, :, 0]
    equal = begin + (torch.arange(len(middles)) + 0.5) / len(middles) * (end - begin)
    assert (padded - equal).abs().max() > 0.2


NETWORKS = {
    "convolution": [dict(channels=4), dict(channels=4, stride=(2, 1, 1))],
    "wide and sparse": [
        dict(channels=4, kernel_size=(5, 1, 1), padding=0),
        dict(channels=4, dilation=(2, 1, 1), stride=(3, 1, 1)),
    ],
    "pooling": [
        dict(channels=4, temporal_pool=dict(mode="max", size=3, stride=2, padding=1)),
        dict(channels=4, temporal_pool=dict(mode="avg", size=2)),
    ],
    "residual": [dict(block="ResidualBlock", channels=6, num_blocks=2, stride=2)],
    "shortcut of zeros": [
        dict(block="ResidualBlock", channels=6, stride=2, shortcut="pad")
    ],
    "bottleneck": [dict(block="BottleneckBlock", channels=8, num_blocks=2, stride=2)],
    "inverted": [dict(block="InvertedResidualBlock", channels=4, num_blocks=2)],
    "inception": [
        dict(
            block="InceptionBlock",
            channels=(2, 2, 3, 2, 3, 2),
            temporal_pool=dict(mode="max", size=3, stride=2, padding="same"),
        )
    ],
    "separable": [dict(channels=4, conv_cfg=dict(type="SeparableConv3d"))],
    "2+1": [
        dict(
            block="ResidualBlock",
            channels=4,
            stride=2,
            conv_cfg=dict(type="Conv2plus1d"),
        )
    ],
    "space before time": [
        dict(channels=4, kernel_size=(1, 3, 3), spatial_pool=dict(mode="max", size=2)),
        dict(channels=4, kernel_size=(3, 1, 1), padding=0),
    ],
}


@torch.no_grad()
def frames_seen(net, frames, tries=3):
    """``(steps, frames)``: whether a step changes with a frame."""
    seen = False
    for _ in range(tries):
        x = torch.randn(1, 3, frames, 6, 6, dtype=torch.float64)
        other = x.repeat(frames, 1, 1, 1, 1)
        for frame in range(frames):
            other[frame, :, frame] += 9 * torch.randn(3, 6, 6, dtype=torch.float64)
        changed = (net(other) - net(x)).abs().amax((1, 3, 4)) > 0  # (frames, steps)
        seen = seen | changed.T
    return seen


def test_the_window_of_a_step_is_what_it_sees():
    wrong = []
    for name, stages in NETWORKS.items():
        torch.manual_seed(1)
        net = STConvNet(stages, temporal_padding=False, norm_cfg=None).eval().double()
        reach, stride = window_of(net.stages)
        frames = reach + 3 * stride + 1
        for step, seen in enumerate(frames_seen(net, frames)):
            first, last = seen.nonzero()[[0, -1], 0].tolist()
            if (first, last + 1) != (step * stride, step * stride + reach):
                wrong.append((name, step, first, last + 1, reach, stride))
        # Grids say the same: a step lies around the middle of what it sees.
        grid = net.step_grid(frames)
        middle = (grid.edges(1, torch.empty(0)) * frames).mean().item()
        if middle != pytest.approx(reach / 2, abs=1e-5) or grid.width != stride:
            wrong.append((name, grid))
    assert not wrong
    assert STConvNet(NETWORKS["pooling"]).step_grid(16) is None


def test_seconds_of_steps():
    """By the formula, of clips that begin at different times; crops share them."""
    starts = [[0.5, 10.0], [100.0, 2.25]]
    samples = [
        ActionDataSample(metainfo=dict(clip_starts=one, clip_duration=1.6))
        for one in starts
    ]
    crops, frames = 3, 16
    window = read_windows(samples, clips=2 * crops)
    feats = {name: torch.randn(12, 6, 3) for name in WIDTHS}
    feats["audio"] = torch.randn(12, 20, 3)
    grid = StepGrid(2.5, 2, frames)
    cases = {
        "padded": (None, {}, lambda i: i / 6),
        "unpadded": (
            None,
            dict(rgb=grid, flow=grid),
            lambda i: (2.5 + 2 * i) / frames,
        ),
        "unpadded, steps": (4, dict(rgb=grid), lambda i: (2.5 + 3 * i) / frames),
    }
    wrong = []
    for name, (steps, grids, edge) in cases.items():
        fused = concat(steps=steps)(Features(feats, {}, window=window, grids=grids))
        assert fused.seconds.shape == (12, steps or 6, 2), name
        for sample, own in enumerate(starts):
            for crop in range(crops):
                for clip, start in enumerate(own):
                    row = sample * 6 + crop * 2 + clip  # crops outermost
                    wanted = [
                        [start + 1.6 * edge(i), start + 1.6 * edge(i + 1)]
                        for i in range(steps or 6)
                    ]
                    if not np.allclose(fused.seconds[row], wanted, rtol=0, atol=1e-5):
                        wrong.append((name, row))
    assert not wrong
    assert concat()(Features(feats, {})).seconds is None
    assert read_windows([*samples, ActionDataSample()], clips=6) is None


def test_a_stream_that_did_not_run_decides_nothing():
    """It gives one step of zeros, for all of the clip."""
    feats = dict(
        rgb=torch.randn(2, 6, 3), flow=torch.zeros(2, 1, 3), audio=torch.randn(2, 9, 3)
    )
    absent = dict(flow=torch.zeros(2, dtype=torch.bool))
    grids = dict.fromkeys(("rgb", "flow"), StepGrid(2.5, 2, 16))
    fused = concat()(Features(feats, absent, grids=grids))
    assert {name: x.shape for name, x in fused.aligned.items()} == dict.fromkeys(
        WIDTHS, (2, 6, 3)
    )
    assert torch.equal(fused.aligned["rgb"], feats["rgb"])
    alone = concat(dict(rgb=3, audio=3))
    del feats["flow"]
    wanted = alone(Features(feats, {}, grids=grids)).steps
    flow = slice(3, 6)  # audio, flow, rgb: the operator's order
    found = fused.steps
    assert not found[..., flow].any()
    assert torch.equal(torch.cat([found[..., :3], found[..., 6:]], 2), wanted)
