"""Which block buys most? Accuracy, multiply-adds and time of backbones of one shape.

    python tools/benchmarks/backbones.py --modality rgb --seeds 2

Prints the tables of docs/backbones.md. Every candidate is a stream with an LSTM and a
linear classifier, of about the same multiply-adds, trained on the same drawn clips
(backbone_clips.py). Time is a forward and backward pass as a ratio to the first
candidate, all interleaved.
"""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np
import torch
from backbone_clips import BATCH, KINDS, SIZE, STEPS, batch_of, batches
from measuring import alternate, markdown, multiply_adds, result
from mmaction.registry import MODELS
from mmengine.logging import MMLogger
from torch import nn

import mmstconv.models  # noqa: F401

TESTED = 1024  # clips to measure the accuracy on
CLASSES = {"rgb": KINDS**2, "flow": KINDS, "audio": KINDS**2}
INPUT = {
    "rgb": (3, STEPS, SIZE, SIZE),
    "flow": (2, STEPS, SIZE, SIZE),
    "audio": (64, 101),
}
SPACE = dict(spatial_pool=dict(mode="max", size=2))
BOTH = dict(temporal_pool=dict(mode="max", size=2), **SPACE)
FLAT = dict(kernel_size=(1, 3, 3))
SPLIT = dict(conv_cfg=dict(type="SeparableConv3d"))
STRIDED = dict(stride=(1, 2, 2))


def plain(one: int, two: int, three: int, four: int, **options) -> list[dict]:
    """A strided stem and stages that pool; time is halved before the last."""
    return [
        dict(channels=one, **STRIDED, **SPACE, **options),
        dict(channels=two, **SPACE, **options),
        dict(channels=three, **BOTH, **options),
        dict(channels=four, **options),
    ]


def residual(
    stem: int, one: int, two: int, three: int, first, rest, block="ResidualBlock"
) -> list[dict]:
    """A strided stem and three residual stages; time is halved before the last."""
    return [
        dict(channels=stem, kernel_size=(1, 5, 5), **STRIDED),
        dict(block=block, channels=one, **STRIDED, **first),
        dict(block=block, channels=two, **STRIDED, **rest),
        dict(block=block, channels=three, stride=2, **rest),
    ]


def depthwise(**options) -> list[dict]:
    widths = (24, 32, 64, 128)
    return residual(*widths, options, options, block="InvertedResidualBlock")


# Widths were set so that each has about 40 million multiply-adds on RGB.
VIDEO = {
    "3x3x3": plain(12, 32, 64, 128),
    "1x3x3 + 3x1x1": plain(14, 40, 88, 176, **SPLIT),
    "residual 3x3x3": residual(13, 17, 34, 68, {}, {}),
    "residual 1x3x3 + 3x1x1": residual(13, 24, 48, 96, SPLIT, SPLIT),
    "residual, time above only": residual(13, 26, 52, 104, FLAT, SPLIT),
    "depthwise 3x3x3 (X3D)": depthwise(),
    "depthwise, gated (X3D)": depthwise(gate=True),
}
HALVE = dict(pool=dict(mode="max", size=2))


def one_d(*stages: dict) -> dict:
    """A network over time, of which the first two stages halve it."""
    first, second, last = stages
    stages = [dict(first, **HALVE), dict(second, **HALVE), last]
    return dict(type="AudioConvNet", in_channels=64, stages=stages)


RESIDUAL = dict(block="ResidualBlock", channels=92)
DEPTHWISE = dict(block="InvertedResidualBlock", channels=100, kernel_size=9)
TWO_D = [
    *(dict(channels=channels, **HALVE) for channels in (8, 16, 32)),
    dict(channels=64),
]
TWO_D_STRIDED = [
    dict(channels=14, kernel_size=5, stride=2),
    dict(channels=28, stride=2),
    dict(channels=42, stride=(1, 2)),
    dict(channels=64, stride=(2, 2)),
]
WIDE = dict(channels=88)
# About 6 million multiply-adds each.
SOUND = {
    "1D over time": one_d(dict(WIDE, num_blocks=2), WIDE, WIDE),
    "1D residual": one_d(dict(channels=92), RESIDUAL, RESIDUAL),
    "1D depthwise of 9": one_d(dict(channels=100), DEPTHWISE, DEPTHWISE),
    "2D over time and bands": dict(type="MelConvNet", stages=TWO_D),
    "2D, strided": dict(type="MelConvNet", stages=TWO_D_STRIDED),
}
video = partial(dict, type="STConvNet")
CANDIDATES = {
    "rgb": {name: video(stages=s) for name, s in VIDEO.items()},
    "flow": {name: video(stages=s, in_channels=2) for name, s in VIDEO.items()},
    "audio": SOUND,
}


class Probe(nn.Module):
    """A stream and a linear classifier on its last state."""

    def __init__(self, backbone: dict, classes: int) -> None:
        super().__init__()
        neck = dict(type="LSTMTemporalNeck", hidden_channels=64)
        stream = dict(type="ConvStream", backbone=backbone, neck=neck)
        self.stream = MODELS.build(stream)
        self.stream.init_weights()
        self.fc = nn.Linear(64, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.stream(x)[0][:, -1])  # (N, classes)


def train(backbone: dict, classes: int, seed: int, data: list, test: list) -> float:
    """Accuracy on ``test`` after one pass over ``data``."""
    torch.manual_seed(seed)
    net = Probe(backbone, classes)
    optimizer = torch.optim.Adam(net.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, len(data))
    for x, label in data:
        loss = nn.functional.cross_entropy(net(x.float()), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    net.eval()
    with torch.no_grad():
        right = [(net(x.float()).argmax(1) == label).sum() for x, label in test]
    return int(sum(right)) / (len(test) * BATCH)


def seconds(candidates: dict, modality: str, rounds: int) -> dict[str, list[float]]:
    """Forward and backward of one batch, candidates in turn."""
    x, label = batch_of(np.random.default_rng(0), modality)

    def work(backbone: dict):
        net = Probe(backbone, CLASSES[modality])
        return lambda: nn.functional.cross_entropy(net(x), label).backward()

    sides = {name: work(backbone) for name, backbone in candidates.items()}
    return alternate(sides, rounds)


def cost(backbone: dict, modality: str) -> int:
    """Multiply-adds of a sample."""
    net = MODELS.build(backbone).eval().to("meta")
    return multiply_adds(partial(net, torch.empty(1, *INPUT[modality], device="meta")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--modality", choices=sorted(CANDIDATES), default="rgb")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=200)
    args = parser.parse_args()
    # Initialisation is logged parameter by parameter.
    MMLogger.get_current_instance().setLevel("WARNING")
    modality, classes = args.modality, CLASSES[args.modality]
    candidates = CANDIDATES[modality]
    test = batches(10_000, modality, TESTED // BATCH)
    accuracy: dict[str, list[float]] = {name: [] for name in candidates}
    for seed in range(args.seeds):
        data = batches(seed, modality, args.steps)
        for name, backbone in candidates.items():
            accuracy[name].append(train(backbone, classes, seed, data, test))
            print(f"{name}, seed {seed}: {accuracy[name][-1]:.3f}", flush=True)
    spent = seconds(candidates, modality, 7)
    first = next(iter(spent.values()))
    rows = [
        (
            name,
            " ".join(f"{value:.3f}" for value in accuracy[name]),
            f"{cost(backbone, modality) / 1e6:.1f}",
            f"{sum(p.numel() for p in MODELS.build(backbone).parameters()):,}",
            f"{result('', name, spent[name], first).ratio:.2f}",
        )
        for name, backbone in candidates.items()
    ]
    header = ("block", "accuracy, seed by seed", "10^6 MACs", "parameters", "time")
    print(markdown(header, rows))


if __name__ == "__main__":
    main()
