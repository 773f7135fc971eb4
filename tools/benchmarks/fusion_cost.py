"""What the fusion operators cost, beside concatenation."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from fusion_runs import OPERATORS
from measuring import alternate, result
from mmaction.registry import MODELS
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mmstconv.models.joint import Features

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


class Given(nn.Module):
    """Stands for a stream: only its width is asked for."""

    out_channels = map_channels = CHANNELS


def build(operator: str) -> nn.Module:
    """A recognizer without streams: its joint and its head are what is measured."""
    model = MODELS.build(
        dict(
            type="TriModalRecognizer",
            streams={name: Given() for name in ("rgb", "flow", "audio")},
            joint=dict(fusion=dict(type=operator, **WIDE.get(operator, {}))),
            cls_head=dict(type="TriModalFusionHead", num_classes=CLASSES),
        )
    )
    model.init_weights()
    return model


def features(model: nn.Module, batch: int, trained: bool = True) -> Features:
    shapes = dict.fromkeys(model.streams, (4, CHANNELS))  # steps, channels
    if model.joint.takes_maps:
        video = (CHANNELS, *GRID)
        shapes = dict(rgb=video, flow=video, audio=(CHANNELS, STEPS_OF_SOUND))
    feats = {
        name: torch.randn(batch, *shape, requires_grad=trained)
        for name, shape in shapes.items()
    }
    return Features(feats, presence={})


def scores(model: nn.Module, feats: Features) -> Tensor:
    return model.cls_head(model.joint(feats))


def measure_cost(operators: Iterable[str], rounds: int = 25) -> list[dict]:
    """Parameters and multiply-adds of operator and classifier, and time.

    Operators take turns; the ratio to concatenation is the median over turns of the
    ratio within a turn, so what slows the machine down slows both.
    """
    models = {name: build(name) for name in dict.fromkeys([FIRST, *operators])}
    label = torch.randint(CLASSES, (BATCH,))

    def work(model: nn.Module) -> Callable[[], None]:
        feats = features(model, BATCH)
        return lambda: F.cross_entropy(scores(model, feats), label).backward()

    spent = alternate({name: work(model) for name, model in models.items()}, rounds, 2)
    rows = []
    for name, model in models.items():
        line = result("", name, spent[name], spent[FIRST])
        parameters = [*model.joint.parameters(), *model.cls_head.parameters()]
        rows.append(
            dict(
                operator=name,
                parameters=sum(p.numel() for p in parameters),
                multiply_adds=multiply_adds(model),
                time_ratio=line.ratio,
                time_quartiles=line.spread,
                milliseconds=1e3 * line.ours,
            )
        )
    return rows


def multiply_adds(model: nn.Module) -> int:
    """Of one sample: matrix products and convolutions."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        scores(model, features(model, 1, trained=False))
    return counter.get_total_flops() // 2
