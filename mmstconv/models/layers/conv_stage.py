"""A few convolutions of one width, then pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn


def expand(value: int | Sequence[int], ndim: int, name: str) -> tuple:
    """One number per axis.

    Raises:
        ValueError: A sequence of another length than ``ndim`` was given.
    """
    values = (value,) * ndim if isinstance(value, int) else tuple(value)
    if len(values) != ndim:
        raise ValueError(f"{name}: expected {ndim} numbers, got {value!r}")
    return values


def check_stages(stages: Sequence[Mapping], allowed: Sequence[str], owner: str) -> None:
    """Raise unless every stage is a mapping with ``channels`` and known keys.

    Raises:
        ValueError: Names the stage and the key.
    """
    if not stages:
        raise ValueError(f"{owner}: stages is empty, expected at least one")
    for index, stage in enumerate(stages):
        unknown = sorted(set(stage) - set(allowed))
        if unknown:
            raise ValueError(
                f"{owner}: stages[{index}] has unknown keys {unknown}, "
                f"allowed are {sorted(allowed)}"
            )
        if "channels" not in stage:
            raise ValueError(f"{owner}: stages[{index}] lacks 'channels'")


class ConvStage(BaseModule):
    """``num_convs`` blocks of convolution, norm and activation, then ``pool``.

    Args:
        in_channels: Channels of the input.
        channels: Channels of every convolution.
        ndim: 1 for audio, 3 for video.
        pool: Module run after the convolutions.
        num_convs: Number of convolutions.
        kernel_size: One number, or one per axis.
        stride: The same; of the first convolution, the others have stride 1.
        padding: The same; half the kernel if None, which keeps the size.
        norm_cfg: Norm layer, or None: then the convolutions have a bias.
        act_cfg: Activation, or None.

    Shape:
        - Input: ``(N, in_channels, *axes)``.
        - Output: ``(N, channels, *smaller_axes)``.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        channels: int,
        ndim: int,
        pool: nn.Module,
        num_convs: int = 1,
        kernel_size: int | Sequence[int] = 3,
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] | None = None,
        norm_cfg: Mapping | None = None,
        act_cfg: Mapping | None = None,
    ) -> None:
        super().__init__()
        kernel = expand(kernel_size, ndim, "kernel_size")
        first_stride = expand(stride, ndim, "stride")
        if padding is None:
            padding = tuple(size // 2 for size in kernel)
        if num_convs < 1:
            raise ValueError(f"num_convs must be at least 1, got {num_convs}")
        self.convs = nn.Sequential(
            *(
                ConvModule(
                    in_channels if index == 0 else channels,
                    channels,
                    kernel,
                    stride=first_stride if index == 0 else 1,
                    padding=expand(padding, ndim, "padding"),
                    conv_cfg=dict(type=f"Conv{ndim}d"),
                    norm_cfg=None if norm_cfg is None else dict(norm_cfg),
                    act_cfg=None if act_cfg is None else dict(act_cfg),
                )
                for index in range(num_convs)
            )
        )
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        x = self.convs(x)  # (N, channels, *axes)
        return self.pool(x)  # (N, channels, *smaller_axes)
