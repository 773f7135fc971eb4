"""One modality: a backbone and a neck."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from ..layers import StepGrid, class_of, pool_space


@MODELS.register_module()
class ConvStream(BaseModule):
    """Backbone, then neck, then one feature per time step.

    Args:
        backbone: Config (or module) of ``STConvNet``, ``AudioConvNet`` or any 3D
            backbone of MMAction2.
        neck: Config (or module) with MMAction2's convention
            ``neck(x, data_samples) -> (feat, loss_aux)``. None: the mean over space. A
            config may leave ``in_channels`` out where the backbone says its
            ``out_channels``.
        init_cfg: Initialisation config. ``dict(type='Pretrained', checkpoint=...,
            prefix='streams.rgb')`` takes over one stream of a trained recognizer.

    Attributes:
        out_channels: D; None if neither neck nor backbone says it.

    Shape:
        - Input: whatever the backbone takes, ``(N, C, T, H, W)`` or ``(N, C, L)``.
        - Output: ``(N, T', D)`` and the dict of the neck's auxiliary losses.
    """

    def __init__(
        self,
        backbone: dict | nn.Module,
        neck: dict | nn.Module | None = None,
        *,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.backbone = _build(backbone)
        self.map_channels = width_of(self.backbone)
        self.neck = None
        self.out_channels = self.map_channels
        if neck is not None:
            self.neck = _build(_with_width(neck, self.map_channels))
            self.out_channels = width_of(self.neck)

    def forward(
        self, x: Tensor, data_samples: list | None = None
    ) -> tuple[Tensor, dict]:
        return self.read_maps(self.backbone(x), data_samples)

    def read_maps(
        self, x: Tensor, data_samples: list | None = None
    ) -> tuple[Tensor, dict]:
        """Run what follows the backbone on its maps ``(N, C', T', H', W')``.

        Returns:
            As :meth:`forward`.
        """
        loss_aux: dict = {}
        if self.neck is not None:
            x, loss_aux = self.neck(x, data_samples=data_samples)
        return pool_space(x), loss_aux  # (N, T', D)

    def step_grid(self, frames: int) -> StepGrid | None:
        """Where the steps lie in a clip; None: in equal parts of all of it.

        Args:
            frames: Of the clip.
        """
        find = getattr(self.backbone, "step_grid", None)
        return None if find is None else find(frames)


def width_of(module: nn.Module) -> int | None:
    """Channels of what a module gives: ours call it ``out_channels``, MMAction2's 3D
    residual networks ``feat_dim``."""
    width = getattr(module, "out_channels", getattr(module, "feat_dim", None))
    return width if isinstance(width, int) else None


def _with_width(cfg: Mapping | nn.Module, width: int | None) -> Mapping | nn.Module:
    """A neck's config with the channels of its backbone, if it takes and lacks them."""
    if isinstance(cfg, nn.Module) or "in_channels" in cfg or width is None:
        return cfg
    kind = class_of(cfg)
    if kind is None or "in_channels" not in inspect.signature(kind).parameters:
        return cfg
    return dict(cfg, in_channels=width)


def _build(part: Mapping | nn.Module) -> nn.Module:
    return part if isinstance(part, nn.Module) else MODELS.build(part)
