"""Models of the speed benchmarks, and one training step of each."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmaction.utils import register_all_modules
from mmengine.config import Config
from torch import nn

import mmstconv.models  # noqa: F401

STLITE = (
    Path(__file__).resolve().parents[2] / "configs/_base_/models/stlite_trimodal.py"
)
#: One clip of each modality, as the default model's config gives it.
SHAPES = {
    "rgb": (3, 16, 112, 112),
    "flow": (2, 16, 56, 56),
    "audio": (64, 134),
}
CLASSES = 101


def recognizer(
    config: Path, streams: tuple[str, ...] = ("rgb", "flow", "audio")
) -> nn.Module:
    """The tri-modal model of a config, with some of its streams."""
    register_all_modules(init_default_scope=True)
    model = copy.deepcopy(Config.fromfile(config).model)
    model.data_preprocessor = None
    for name in set(model.streams) - set(streams):
        # setting a dict in a config would merge it into what is there
        del model.streams[name], model.cls_head.in_channels[name]
    model.cls_head.num_classes = CLASSES
    return MODELS.build(model)


def rgb_recognizer(backbone: Mapping, channels: int) -> nn.Module:
    """MMAction2's Recognizer3D with a backbone of vectors ``(N, channels)``."""
    register_all_modules(init_default_scope=True)
    head = dict(
        type="I3DHead",
        num_classes=CLASSES,
        in_channels=channels,
        spatial_type=None,
        average_clips="prob",
    )
    return MODELS.build(
        dict(
            type="Recognizer3D",
            backbone=dict(backbone),
            cls_head=head,
            data_preprocessor=dict(type="ActionDataPreprocessor"),
        )
    )


def training_step(
    model: nn.Module, batch: int, shapes: Mapping[str, tuple] = SHAPES
) -> Callable[[], None]:
    """Loss and backward of one batch of noise, gradients thrown away."""
    model.train()
    samples = [ActionDataSample().set_gt_label(i % CLASSES) for i in range(batch)]
    inputs = {name: torch.randn(batch, 1, *shape) for name, shape in shapes.items()}
    if not hasattr(model, "streams"):
        inputs = inputs["rgb"]

    def step() -> None:
        losses = model(inputs, samples, mode="loss")
        sum(value for key, value in losses.items() if "loss" in key).backward()
        model.zero_grad(set_to_none=True)

    return step


def training_of(
    net: nn.Module, shape: tuple[int, ...], input_grad: bool = False
) -> Callable[[], None]:
    """Forward and backward of a bare network on one clip of noise."""
    x = torch.randn(1, *shape, requires_grad=input_grad)

    def step() -> None:
        net(x).sum().backward()
        net.zero_grad(set_to_none=True)
        x.grad = None

    return step
