"""One modality: a backbone and a neck."""

from __future__ import annotations

from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from ..layers import pool_space


@MODELS.register_module()
class ConvStream(BaseModule):
    """Backbone, then neck, then one feature per time step.

    Args:
        backbone: Config (or module) of ``STConvNet``, ``AudioConvNet`` or any 3D
            backbone of MMAction2.
        neck: Config (or module) with MMAction2's convention
            ``neck(x, data_samples) -> (feat, loss_aux)``. None: the mean over space.
        init_cfg: Initialisation config. ``dict(type='Pretrained', checkpoint=...,
            prefix='streams.rgb')`` takes over one stream of a trained recognizer.

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
        self.neck = None if neck is None else _build(neck)

    def forward(
        self, x: Tensor, data_samples: list | None = None
    ) -> tuple[Tensor, dict]:
        return self.read_maps(self.backbone(x), data_samples)

    def read_maps(
        self, x: Tensor, data_samples: list | None = None
    ) -> tuple[Tensor, dict]:
        """What follows the backbone: ``(N, C', T', H', W')`` to :meth:`forward`'s."""
        loss_aux: dict = {}
        if self.neck is not None:
            x, loss_aux = self.neck(x, data_samples=data_samples)
        return pool_space(x), loss_aux  # (N, T', D)


def _build(part: dict | nn.Module) -> nn.Module:
    return part if isinstance(part, nn.Module) else MODELS.build(part)
