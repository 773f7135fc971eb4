"""Which block buys most? Accuracy, multiply-adds and time of backbones of one shape.

    python tools/benchmarks/backbones.py --modality rgb --seeds 2

Every candidate is a stream (backbone, LSTM) with a linear classifier, of about the
same multiply-adds, trained on the same endless stream of drawn clips: one of four
shapes moves in one of four ways (clockwise, counter-clockwise, speeding up, slowing
down) over a drifting texture. RGB has to name shape and motion (16 classes); flow
sees the DIS flow of the very clip and has to name the motion (4 classes); sound is
one second of log-mel: four timbres in four courses (rising, falling, slow and fast
pulses) in noise (16 classes).
Time is a forward and backward pass as a ratio to the first candidate, all
interleaved.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

import numpy as np
import torch
from backbone_clips import BATCH, KINDS, SIZE, STEPS, batch_of, batches
from measuring import alternate
from mmaction.registry import MODELS
from mmengine.logging import MMLogger
from mmengine.utils import track_iter_progress
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

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


def residual(*widths: int, first: dict, rest: dict, block="ResidualBlock") -> list:
    """A strided stem and three residual stages; time is halved before the last."""
    stem, one, two, three = widths
    return [
        dict(channels=stem, kernel_size=(1, 5, 5), **STRIDED),
        dict(block=block, channels=one, **STRIDED, **first),
        dict(block=block, channels=two, **STRIDED, **rest),
        dict(block=block, channels=three, stride=2, **rest),
    ]


# Widths were set so that each has about 40 million multiply-adds on RGB.
VIDEO = {
    "3x3x3": [
        dict(channels=12, **STRIDED, **SPACE),
        dict(channels=32, **SPACE),
        dict(channels=64, **BOTH),
        dict(channels=128),
    ],
    "1x3x3 + 3x1x1": [
        dict(channels=14, **STRIDED, **SPACE, **SPLIT),
        dict(channels=40, **SPACE, **SPLIT),
        dict(channels=88, **BOTH, **SPLIT),
        dict(channels=176, **SPLIT),
    ],
    "residual 3x3x3": residual(13, 17, 34, 68, first={}, rest={}),
    "residual 1x3x3 + 3x1x1": residual(13, 24, 48, 96, first=SPLIT, rest=SPLIT),
    "residual, time above only": residual(13, 26, 52, 104, first=FLAT, rest=SPLIT),
    "depthwise 3x3x3 (X3D)": residual(
        24, 32, 64, 128, first={}, rest={}, block="InvertedResidualBlock"
    ),
    "depthwise, gated (X3D)": residual(
        *(24, 32, 64, 128),
        first=dict(gate=True),
        rest=dict(gate=True),
        block="InvertedResidualBlock",
    ),
}


HALVE = dict(pool=dict(mode="max", size=2))
# About 6 million multiply-adds each.
SOUND = {
    "1D over time": dict(
        type="AudioConvNet",
        in_channels=64,
        stages=[
            dict(channels=88, num_blocks=2, **HALVE),
            dict(channels=88, **HALVE),
            dict(channels=88),
        ],
    ),
    "1D residual": dict(
        type="AudioConvNet",
        in_channels=64,
        stages=[
            dict(channels=92, **HALVE),
            dict(block="ResidualBlock", channels=92, **HALVE),
            dict(block="ResidualBlock", channels=92),
        ],
    ),
    "1D depthwise of 9": dict(
        type="AudioConvNet",
        in_channels=64,
        stages=[
            dict(channels=100, **HALVE),
            dict(block="InvertedResidualBlock", channels=100, kernel_size=9, **HALVE),
            dict(block="InvertedResidualBlock", channels=100, kernel_size=9),
        ],
    ),
    "2D over time and bands": dict(
        type="MelConvNet",
        stages=[
            dict(channels=8, **HALVE),
            dict(channels=16, **HALVE),
            dict(channels=32, **HALVE),
            dict(channels=64),
        ],
    ),
    "2D, strided": dict(
        type="MelConvNet",
        stages=[
            dict(channels=14, kernel_size=5, stride=2),
            dict(channels=28, stride=2),
            dict(channels=42, stride=(1, 2)),
            dict(channels=64, stride=(2, 2)),
        ],
    ),
}
CANDIDATES = {
    "rgb": {name: dict(type="STConvNet", stages=s) for name, s in VIDEO.items()},
    "flow": {
        name: dict(type="STConvNet", stages=s, in_channels=2)
        for name, s in VIDEO.items()
    },
    "audio": SOUND,
}


class Probe(nn.Module):
    """A stream and a linear classifier on its last state."""

    def __init__(self, backbone: dict, classes: int) -> None:
        super().__init__()
        backbone = MODELS.build(backbone)
        neck = dict(
            type="LSTMTemporalNeck",
            in_channels=backbone.out_channels,
            hidden_channels=64,
        )
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


def multiply_adds(backbone: dict, modality: str) -> int:
    net = MODELS.build(backbone).eval().to("meta")
    with FlopCounterMode(display=False) as counter:
        net(torch.empty(1, *INPUT[modality], device="meta"))
    return counter.get_total_flops() // 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--modality", choices=sorted(CANDIDATES), default="rgb")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--only", nargs="*", help="some of the candidates")
    parser.add_argument("--out", type=Path, default=Path("work_dirs/bench"))
    args = parser.parse_args()
    # Initialisation is logged parameter by parameter.
    MMLogger.get_current_instance().setLevel("WARNING")
    modality, classes = args.modality, CLASSES[args.modality]
    candidates = {
        name: backbone
        for name, backbone in CANDIDATES[modality].items()
        if name in (args.only or CANDIDATES[modality])
    }
    test = batches(10_000, modality, TESTED // BATCH)
    accuracy: dict[str, list[float]] = {name: [] for name in candidates}
    for seed in range(args.seeds):
        data = batches(seed, modality, args.steps)
        for name, backbone in track_iter_progress(list(candidates.items())):
            accuracy[name].append(train(backbone, classes, seed, data, test))
            print(f" {name}, seed {seed}: {accuracy[name][-1]:.3f}", flush=True)
    spent = seconds(candidates, modality, 7)
    first = next(iter(spent.values()))
    rows = []
    for name, backbone in candidates.items():
        ratios = [a / b for a, b in zip(spent[name], first)]
        rows.append(
            dict(
                name=name,
                modality=modality,
                accuracy=accuracy[name],
                parameters=sum(p.numel() for p in MODELS.build(backbone).parameters()),
                mega_macs=multiply_adds(backbone, modality) / 1e6,
                time_ratio=statistics.median(ratios),
                time_spread=[min(ratios), max(ratios)],
            )
        )
    print(f"{'':28}{'accuracy':>16}{'10^6 MACs':>11}{'params':>10}{'time':>7}")
    for row in rows:
        seen = " ".join(f"{value:.3f}" for value in row["accuracy"])
        print(
            f"{row['name']:28}{seen:>16}{row['mega_macs']:>11.1f}"
            f"{row['parameters']:>10,}{row['time_ratio']:>7.2f}"
        )
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / f"backbones_{modality}.json"
    path.write_text(json.dumps(rows, indent=1))
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
