"""1D convolutional network for sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from mmaction.registry import MODELS
from mmengine.model import BaseModule, Sequential
from torch import Tensor, nn

from ..layers import (
    ConvStage,
    Pool,
    check_stages,
    freeze_norm_statistics,
    read_pool,
)

_STAGE_KEYS = ("channels", "num_convs", "kernel_size", "stride", "padding", "pool")


def _build_pool(cfg: Mapping | None) -> nn.Module:
    if cfg is None:
        return nn.Identity()
    values = read_pool(cfg, "audio pooling")
    return Pool(
        mode=values["mode"],
        size=(values["size"],),
        stride=(values["stride"],),
        padding=(values["padding"],),
        name="audio pooling",
    )


@MODELS.register_module()
class AudioConvNet(BaseModule):
    """Stages of 1D convolution along time, each followed by pooling.

    Log-mel bands are the channels of the first convolution; a raw waveform has
    one channel and asks for long, strided first kernels.

    Args:
        in_channels: Number of mel bands, or 1 for a waveform.
        stages: One mapping per stage: ``channels``, ``num_convs=1``,
            ``kernel_size=3``, ``stride=1`` (of the first convolution),
            ``padding=kernel_size // 2`` and ``pool=None`` or
            ``dict(mode='max' | 'avg', size=, stride=size, padding=0)``.
        norm_cfg: Norm layer, or None: then the convolutions have a bias.
        act_cfg: Activation, or None.
        norm_eval: Keep batch norms at their running statistics in training.
        init_cfg: Initialisation config.

    Shape:
        - Input: ``(N, in_channels, L)``.
        - Output: ``(N, out_channels, L')``.

    Example:
        >>> net = AudioConvNet(
        ...     in_channels=64,
        ...     stages=[dict(channels=32, pool=dict(mode="max", size=2))],
        ... )
        >>> net(torch.rand(1, 64, 80)).shape
        torch.Size([1, 32, 40])
    """

    def __init__(
        self,
        in_channels: int,
        stages: Sequence[Mapping],
        *,
        norm_cfg: Mapping | None = MappingProxyType({"type": "BN1d"}),
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
            blocks.append(
                ConvStage(
                    in_channels=in_channels,
                    ndim=1,
                    pool=_build_pool(cfg.pop("pool", None)),
                    norm_cfg=norm_cfg,
                    act_cfg=act_cfg,
                    **cfg,
                )
            )
            in_channels = cfg["channels"]
        self.stages = Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 3 or x.shape[1] != self.in_channels:
            raise ValueError(
                f"{type(self).__name__}: expected (N, {self.in_channels}, L), "
                f"got shape {tuple(x.shape)}"
            )
        return self.stages(x)  # (N, C', L')

    def train(self, mode: bool = True) -> AudioConvNet:
        super().train(mode)
        if mode and self.norm_eval:
            freeze_norm_statistics(self)
        return self
