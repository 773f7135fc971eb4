"""1D convolutional networks for sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from mmaction.registry import MODELS
from torch import nn

from ..layers import Pool, read_pool
from .trunk import ConvTrunk


@MODELS.register_module()
class AudioConvNet(ConvTrunk):
    """Stages of 1D blocks along time, each followed by pooling.

    Log-mel bands are the channels of the first convolution; a raw waveform has
    one channel and asks for long, strided first kernels.

    Args:
        in_channels: Number of mel bands, or 1 for a waveform.
        stages: One mapping per stage: ``block='ConvBlock'``, ``num_blocks=1`` and
            the block's arguments (``channels``, ``kernel_size=3``, ``stride=1`` of
            the first block, ...), or ``blocks=[dict(type=..., ...), ...]``; and
            ``pool=None`` or ``dict(mode='max' | 'avg', size=, stride=size,
            padding=0 | 'same')``.
        norm_cfg: Norm layer, or None: then the convolutions have a bias.
        act_cfg: Activation, or None.
        norm_eval: Keep batch norms at their running statistics in training.
        frozen_stages: The first so many stages do not train.
        with_cp: Gradient checkpointing: less memory, more time.
        init_cfg: Initialisation config.

    Shape:
        - Input: ``(N, in_channels, L)``.
        - Output: ``(N, out_channels, L')``.

    Raises:
        ValueError: A stage is not understood.

    Example:
        >>> net = AudioConvNet(
        ...     in_channels=64,
        ...     stages=[dict(channels=32, pool=dict(mode="max", size=2))],
        ... )
        >>> net(torch.rand(1, 64, 80)).shape
        torch.Size([1, 32, 40])
    """

    ndim = 1
    pool_keys = ("pool",)
    axes = "L"

    def __init__(
        self,
        in_channels: int,
        stages: Sequence[Mapping],
        *,
        norm_cfg: Mapping | None = MappingProxyType({"type": "BN1d"}),
        act_cfg: Mapping | None = MappingProxyType({"type": "ReLU"}),
        norm_eval: bool = False,
        frozen_stages: int = 0,
        with_cp: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            stages,
            in_channels=in_channels,
            norm_cfg=norm_cfg,
            act_cfg=act_cfg,
            norm_eval=norm_eval,
            frozen_stages=frozen_stages,
            with_cp=with_cp,
            init_cfg=init_cfg,
        )

    def build_pool(self, pool: Mapping | None = None) -> nn.Module:
        if pool is None:
            return nn.Identity()
        cfg = read_pool(pool, "audio pooling")
        padding = cfg["padding"]
        return Pool(
            mode=cfg["mode"],
            size=(cfg["size"],),
            stride=(cfg["stride"],),
            padding=padding if padding == "same" else (padding,),
            name="audio pooling",
        )
