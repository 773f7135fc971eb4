"""One pooling step over a 1D or 3D feature map."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

_POOLS = {
    ("max", 1): F.max_pool1d,
    ("max", 3): F.max_pool3d,
    ("avg", 1): partial(F.avg_pool1d, count_include_pad=False),
    ("avg", 3): partial(F.avg_pool3d, count_include_pad=False),
}
_MODES = ("max", "avg")


class Pool(nn.Module):
    """Max or average pooling that says clearly when nothing would be left.

    Padded positions never take part: neither in the maximum nor in the average.

    Args:
        mode: ``'max'`` or ``'avg'``.
        size: Window along each pooled axis; one entry (audio) or three (video).
        stride: Step along each pooled axis.
        padding: Padding on both ends of each pooled axis.
        name: What the error message calls this step.

    Shape:
        - Input: ``(N, C, *axes)`` with as many axes as ``size`` has entries.
        - Output: ``(N, C, *pooled_axes)``.
    """

    def __init__(
        self,
        *,
        mode: str,
        size: Sequence[int],
        stride: Sequence[int],
        padding: Sequence[int],
        name: str = "pooling",
    ) -> None:
        super().__init__()
        if mode not in _MODES:
            raise ValueError(f"{name}: mode is {mode!r}, must be one of {_MODES}")
        for axis_size, axis_stride, axis_padding in zip(size, stride, padding):
            if axis_size < 1 or axis_stride < 1:
                raise ValueError(
                    f"{name}: size and stride must be at least 1, got size "
                    f"{tuple(size)} and stride {tuple(stride)}"
                )
            if not 0 <= axis_padding <= axis_size // 2:
                raise ValueError(
                    f"{name}: padding must lie between 0 and half the size, got "
                    f"size {tuple(size)} and padding {tuple(padding)}"
                )
        self.mode = mode
        self.size = tuple(size)
        self.stride = tuple(stride)
        self.padding = tuple(padding)
        self.name = name

    def forward(self, x: Tensor) -> Tensor:
        axes = x.shape[2:]
        if len(axes) != len(self.size):
            raise ValueError(
                f"{self.name}: expected (N, C) and {len(self.size)} axes, "
                f"got shape {tuple(x.shape)}"
            )
        for length, size, padding in zip(axes, self.size, self.padding):
            if length + 2 * padding < size:
                raise ValueError(
                    f"{self.name}: a window of {self.size} with padding "
                    f"{self.padding} leaves nothing of an input of shape "
                    f"{tuple(x.shape)}; feed larger clips or pool less"
                )
        pool = _POOLS[self.mode, len(self.size)]
        return pool(x, self.size, self.stride, self.padding)

    def extra_repr(self) -> str:
        return (
            f"mode={self.mode}, size={self.size}, stride={self.stride}, "
            f"padding={self.padding}"
        )
