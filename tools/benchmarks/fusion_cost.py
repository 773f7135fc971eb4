"""What the fusion operators cost, beside concatenation."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable

import torch
import torch.nn.functional as F
from fusion_runs import OPERATORS
from mmaction.registry import MODELS
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

#: As in configs/_base_/models/stconvnet_trimodal.py with 101 classes.
BATCH, CLASSES, CHANNELS = 32, 101, 256
GRID = (4, 7, 7)  # of the maps that Conv3dFusion reads, 256 channels too
STEPS_OF_SOUND = 12
FIRST = "ConcatFusion"
#: Channels of the output as published or as the operator's own default.
WIDE = {"Conv3dFusion": dict(OPERATORS["Conv3dFusion"])}
WIDE["Conv3dFusion"]["trunk"] = dict(
    type="STConvNet",
    stages=[dict(channels=CHANNELS, temporal_pool=dict(mode="max", size=2))],
)


def build_head(operator: str) -> nn.Module:
    streams = ("rgb", "flow", "audio")
    head = MODELS.build(
        dict(
            type="TriModalFusionHead",
            num_classes=CLASSES,
            in_channels=dict.fromkeys(streams, CHANNELS),
            fusion=dict(type=operator, **WIDE.get(operator, {})),
        )
    )
    head.init_weights()
    return head


def features(head: nn.Module, batch: int, trained: bool = True) -> dict[str, Tensor]:
    shapes = dict.fromkeys(head.in_channels, (4, CHANNELS))  # steps, channels
    if head.fusion.takes_maps:
        video = (CHANNELS, *GRID)
        shapes = dict(rgb=video, flow=video, audio=(CHANNELS, STEPS_OF_SOUND))
    return {
        name: torch.randn(batch, *shape, requires_grad=trained)
        for name, shape in shapes.items()
    }


def seconds(head: nn.Module, feats: dict[str, Tensor], label: Tensor) -> float:
    """Of one forward and backward pass."""
    start = time.perf_counter()
    F.cross_entropy(head(feats), label).backward()
    return time.perf_counter() - start


def measure_cost(operators: Iterable[str], rounds: int = 25) -> list[dict]:
    """Parameters and multiply-adds of operator and classifier, and time.

    Operators take turns; the ratio to concatenation is the median over turns of the
    ratio within a turn, so what slows the machine down slows both.
    """
    names = list(dict.fromkeys([FIRST, *operators]))
    heads = {name: build_head(name) for name in names}
    label = torch.randint(CLASSES, (BATCH,))
    feats = {name: features(head, BATCH) for name, head in heads.items()}
    spent: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds + 2):
        for name, head in heads.items():
            value = seconds(head, feats[name], label)
            if turn > 1:  # the first ones warm up
                spent[name].append(value)
    rows = []
    for name, head in heads.items():
        ratios = [own / first for own, first in zip(spent[name], spent[FIRST])]
        quarters = statistics.quantiles(ratios, n=4)
        rows.append(
            dict(
                operator=name,
                parameters=sum(p.numel() for p in head.parameters()),
                multiply_adds=multiply_adds(head),
                time_ratio=quarters[1],
                time_quartiles=[quarters[0], quarters[2]],
                milliseconds=1e3 * statistics.median(spent[name]),
            )
        )
    return rows


def multiply_adds(head: nn.Module) -> int:
    """Of one sample: matrix products and convolutions."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        head(features(head, 1, trained=False))
    return counter.get_total_flops() // 2
