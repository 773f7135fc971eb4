"""What the fusion operators cost, beside concatenation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import torch
import torch.nn.functional as F
from measuring import alternate, multiply_adds, result
from mmaction.registry import MODELS
from torch import Tensor, nn

from mmstconv.models.joint import Features

#: As in configs/_base_/models/stconvnet_trimodal.py with 101 classes.
BATCH, CLASSES, CHANNELS = 32, 101, 256
GRID = (4, 7, 7)  # of the maps that Conv3dFusion reads, 256 channels too
STEPS_OF_SOUND = 12
FIRST = "ConcatFusion"
#: Channels of the output as published or as the operator's own default.
TRUNK = [dict(channels=CHANNELS, temporal_pool=dict(mode="max", size=2))]
WIDE = {"Conv3dFusion": dict(trunk=dict(type="STConvNet", stages=TRUNK))}


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
    """Parameters, multiply-adds of a sample, and the time by that of concatenation; of
    operator and classifier."""
    models = {name: build(name) for name in dict.fromkeys([FIRST, *operators])}
    label = torch.randint(CLASSES, (BATCH,))

    def work(model: nn.Module) -> Callable[[], None]:
        feats = features(model, BATCH)
        return lambda: F.cross_entropy(scores(model, feats), label).backward()

    spent = alternate({name: work(model) for name, model in models.items()}, rounds, 2)
    rows = []
    for name, model in models.items():
        line = result("", name, spent[name], spent[FIRST])
        one = features(model, 1, trained=False)
        rows.append(
            dict(
                operator=name,
                parameters=sum(p.numel() for p in model.parameters()),
                multiply_adds=multiply_adds(partial(scores, model, one)),
                time_ratio=line.ratio,
                time_quartiles=line.spread,
            )
        )
    return rows
