"""Spatio-temporal convolutional network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from mmaction.registry import MODELS
from mmengine.model import BaseModule, Sequential
from torch import Tensor

from ..layers import (
    ConvStage,
    SpatioTemporalPool,
    check_stages,
    freeze_norm_statistics,
)

_STAGE_KEYS = (
    "channels",
    "num_convs",
    "kernel_size",
    "stride",
    "padding",
    "temporal_pool",
    "spatial_pool",
)


@MODELS.register_module()
class STConvNet(BaseModule):
    """Stages of 3D convolution, each followed by temporal, then spatial pooling.

    `Learning Spatiotemporal Features with 3D Convolutional Networks
    <https://arxiv.org/abs/1412.0767>`_ (C3D) is one value of ``stages``.

    Args:
        stages: One mapping per stage:

            - ``channels``: width;
            - ``num_convs=1``: convolutions before the pooling;
            - ``kernel_size=3``, ``stride=1``, ``padding=kernel_size // 2``: a
              number or ``(d, h, w)``; the stride is the first convolution's;
            - ``temporal_pool=None``, ``spatial_pool=None``:
              ``dict(mode='max' | 'avg', size=, stride=size, padding=0)``.
        in_channels: 3 for RGB, 2 for flow.
        norm_cfg: Norm layer, or None: then the convolutions have a bias.
        act_cfg: Activation, or None.
        norm_eval: Keep batch norms at their running statistics in training.
        init_cfg: Initialisation config.

    Shape:
        - Input: ``(N, in_channels, T, H, W)``.
        - Output: ``(N, out_channels, T', H', W')``.

    Example:
        >>> pool = dict(mode="max", size=2)
        >>> net = STConvNet(
        ...     stages=[
        ...         dict(channels=16, kernel_size=(3, 7, 7), spatial_pool=pool),
        ...         dict(channels=32, temporal_pool=pool, spatial_pool=pool),
        ...     ]
        ... )
        >>> net(torch.rand(1, 3, 8, 32, 32)).shape
        torch.Size([1, 32, 4, 8, 8])
    """

    def __init__(
        self,
        stages: Sequence[Mapping],
        *,
        in_channels: int = 3,
        norm_cfg: Mapping | None = MappingProxyType({"type": "BN3d"}),
        act_cfg: Mapping | None = MappingProxyType({"type": "ReLU"}),
        norm_eval: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        check_stages(stages, _STAGE_KEYS, type(self).__name__)
        self.in_channels = in_channels
        self.out_channels = stages[-1]["channels"]
        self.norm_eval = norm_eval
        blocks = []
        for stage in stages:
            cfg = dict(stage)
            pool = SpatioTemporalPool(
                temporal=cfg.pop("temporal_pool", None),
                spatial=cfg.pop("spatial_pool", None),
            )
            blocks.append(
                ConvStage(
                    in_channels=in_channels,
                    ndim=3,
                    pool=pool,
                    norm_cfg=norm_cfg,
                    act_cfg=act_cfg,
                    **cfg,
                )
            )
            in_channels = cfg["channels"]
        self.stages = Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 5 or x.shape[1] != self.in_channels:
            raise ValueError(
                f"{type(self).__name__}: expected (N, {self.in_channels}, T, H, W), "
                f"got shape {tuple(x.shape)}"
            )
        return self.stages(x)  # (N, C', T', H', W')

    def train(self, mode: bool = True) -> STConvNet:
        super().train(mode)
        if mode and self.norm_eval:
            freeze_norm_statistics(self)
        return self
