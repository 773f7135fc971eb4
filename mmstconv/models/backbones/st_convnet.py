"""Spatio-temporal convolutional networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from mmaction.registry import MODELS
from torch import Tensor, nn

from ..layers import (
    LinearBottleneckBlock,
    SpatioTemporalPool,
    StepGrid,
    expand,
    window_of,
)
from .st_archs import ST_ARCHS, Arch
from .trunk import ConvTrunk, pick_arch, split_stage

_POOLS = ("temporal_pool", "spatial_pool")


@MODELS.register_module()
class STConvNet(ConvTrunk):
    """Stages of 3D blocks, each followed by temporal, then spatial pooling.

    Either of the published networks of :data:`ST_ARCHS` (``arch='i3d'``), or stages
    of one's own.

    Args:
        stages: One mapping per stage:

            - ``block='ConvBlock'`` (or ``ResidualBlock``, ``BottleneckBlock``,
              ``InceptionBlock``), ``num_blocks=1`` and the block's arguments:
              ``channels``, ``kernel_size=3``, ``stride=1`` (of the first block),
              ``conv_cfg=None``, ... Numbers, or ``(t, h, w)``;
            - or ``blocks=[dict(type=..., ...), ...]``, where blocks differ;
            - ``temporal_pool=None``, ``spatial_pool=None``:
              ``dict(mode='max' | 'avg', size=, stride=size, padding=0 | 'same')``.
        arch: Name of a published network, instead of ``stages``.
        num_stages: Only the first so many stages, as for fusion of maps in the middle
            of a network; None: all.
        in_channels: 3 for RGB, 2 for flow.
        max_temporal_stride: Keep at least every so many-th time step: strides over
            time beyond that become 1, in convolutions and in pooling, and the
            weights stay the same. 1 keeps all steps for the LSTM; None keeps the
            network's own strides.
        drop_path_rate: Stochastic depth, for networks of ``LinearBottleneckBlock``:
            the share of clips in training that skip the last block. It grows linearly
            from 0 at the first, as EfficientNet's does, which was trained with 0.2.
        temporal_padding: Pad time in convolutions and in pooling, so that strides alone
            make it shorter. Without, every step depends on its own frames only,
            wherever a clip begins and ends: overlapping clips share their steps
            (:func:`mmstconv.apis.score_video`) and a stream of frames needs one new
            step of each layer per frame. Clips must be longer then.
        norm_cfg: Norm layer, or None: then the convolutions have a bias. The arch's
            own, BN3d without an arch, if not given.
        act_cfg: Activation, or None. The arch's own, ReLU without an arch, if not
            given.
        norm_eval: Keep batch norms at their running statistics in training.
        frozen_stages: The first so many stages do not train.
        with_cp: Gradient checkpointing: less memory, more time.
        init_cfg: Initialisation config.

    Shape:
        - Input: ``(N, in_channels, T, H, W)``.
        - Output: ``(N, out_channels, T', H', W')``.

    Raises:
        ValueError: Not one of ``arch`` and ``stages``, an unknown ``arch``, or a
            stage that is not understood.

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
        >>> STConvNet(arch="i3d", in_channels=2, max_temporal_stride=2)
    """

    ndim = 3
    pool_keys = _POOLS
    axes = "T, H, W"

    def __init__(
        self,
        stages: Sequence[Mapping] | None = None,
        *,
        arch: str | None = None,
        num_stages: int | None = None,
        in_channels: int = 3,
        max_temporal_stride: int | None = None,
        drop_path_rate: float = 0.0,
        temporal_padding: bool = True,
        norm_cfg: Mapping | str | None = "arch",
        act_cfg: Mapping | str | None = "arch",
        norm_eval: bool = False,
        frozen_stages: int = 0,
        with_cp: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        own = Arch(stages, dict(type="BN3d"))
        net = pick_arch("STConvNet", ST_ARCHS, arch, stages, own)
        stages = net.stages
        if num_stages is not None:
            if not 1 <= num_stages <= len(stages):
                raise ValueError(
                    f"STConvNet: num_stages must lie in 1..{len(stages)}, "
                    f"got {num_stages}"
                )
            stages = stages[:num_stages]
        if max_temporal_stride is not None:
            stages = limit_temporal_stride(stages, max_temporal_stride)
        if drop_path_rate:
            stages = with_drop_path(stages, drop_path_rate)
        if not temporal_padding:
            stages = without_temporal_padding(stages)
        super().__init__(
            stages,
            in_channels=in_channels,
            norm_cfg=net.norm_cfg if norm_cfg == "arch" else norm_cfg,
            act_cfg=net.act_cfg if act_cfg == "arch" else act_cfg,
            norm_eval=norm_eval,
            frozen_stages=frozen_stages,
            with_cp=with_cp,
            init_cfg=init_cfg,
        )
        self.temporal_padding = temporal_padding
        self._window = None if temporal_padding else window_of(self.stages)

    def forward(self, x: Tensor) -> Tensor:
        self.check_input(x)
        # Pooling and norms are faster in this layout, convolutions are no slower, and
        # every layer keeps it.
        return self.run_stages(x.contiguous(memory_format=torch.channels_last_3d))

    def step_grid(self, frames: int) -> StepGrid | None:
        """Where the time steps of a clip lie, if time is not padded; else None.

        A step stands for the middle of the frames that it sees, ``stride`` wide.

        Args:
            frames: Of the clip.
        """
        if self.temporal_padding:
            return None
        reach, stride = self._window
        return StepGrid((reach - stride) / 2, stride, frames)

    def build_pool(self, temporal_pool=None, spatial_pool=None) -> nn.Module:
        return SpatioTemporalPool(temporal=temporal_pool, spatial=spatial_pool)


def limit_temporal_stride(stages: Sequence[Mapping], limit: int) -> list[dict]:
    """Stages whose strides over time multiply to at most ``limit``.

    A pooling step that may not stride keeps its window and pads, so that it keeps
    the length; every step it gave before is among those it gives now.

    Raises:
        ValueError: ``limit`` is below 1.
    """
    if limit < 1:
        raise ValueError(f"max_temporal_stride must be at least 1, got {limit}")
    total = 1
    limited = []
    for stage in stages:
        blocks, pool = split_stage(stage, _POOLS)
        for block in blocks:
            stride_t, *space = expand(block.get("stride", 1), 3, "stride")
            if total * stride_t > limit:
                stride_t = 1
            total *= stride_t
            block["stride"] = (stride_t, *space)
        temporal = pool["temporal_pool"]
        if temporal is not None:
            stride_t = temporal.get("stride", temporal["size"])
            if total * stride_t > limit:
                pool["temporal_pool"] = dict(temporal, stride=1, padding="same")
            else:
                total *= stride_t
        limited.append(dict(blocks=blocks, **pool))
    return limited


def with_drop_path(stages: Sequence[Mapping], rate: float) -> list[dict]:
    """Stages whose blocks are skipped at random, the deeper the more often.

    `Deep Networks with Stochastic Depth <https://arxiv.org/abs/1603.09382>`_, with the
    rates of EfficientNet: that of block i of n is ``rate * i / n``.

    Raises:
        ValueError: ``rate`` is not below 1, or no block can be skipped.
    """
    if not 0 <= rate < 1:
        raise ValueError(f"drop_path_rate must lie in [0, 1), got {rate}")
    split = [split_stage(stage, _POOLS) for stage in stages]
    skipped = [
        block
        for blocks, _ in split
        for block in blocks
        if block["type"] == LinearBottleneckBlock.__name__
    ]
    if not skipped:
        raise ValueError(
            "drop_path_rate is for networks of LinearBottleneckBlock, which this is not"
        )
    for index, block in enumerate(skipped):
        block["drop_path"] = rate * index / len(skipped)
    return [dict(blocks=blocks, **pool) for blocks, pool in split]


def without_temporal_padding(stages: Sequence[Mapping]) -> list[dict]:
    """Stages that pad nothing over time."""
    unpadded = []
    for stage in stages:
        blocks, pool = split_stage(stage, _POOLS)
        blocks = [dict(block, temporal_padding=False) for block in blocks]
        if pool["temporal_pool"] is not None:
            pool["temporal_pool"] = dict(pool["temporal_pool"], padding=0)
        unpadded.append(dict(blocks=blocks, **pool))
    return unpadded
