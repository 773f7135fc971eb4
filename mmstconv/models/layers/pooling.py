"""One pooling step over a 1D or 3D feature map."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .axes import same_padding


def _max_pool1d(x: Tensor, size, stride, padding=0, ceil_mode: bool = False) -> Tensor:
    """``F.max_pool1d``, in graphs as one over pictures: torch exports the former for
    the length of its example alone."""
    if not torch.compiler.is_compiling():
        return F.max_pool1d(x, size, stride, padding, ceil_mode=ceil_mode)
    pad = padding[0] if isinstance(padding, (tuple, list)) else padding
    x = x[:, :, None]  # (N, C, 1, L)
    x = F.max_pool2d(x, (1, *size), (1, *stride), (0, pad), ceil_mode=ceil_mode)
    return x[:, :, 0]  # (N, C, L')


_POOLS = {
    ("max", 1): _max_pool1d,
    ("max", 2): F.max_pool2d,
    ("max", 3): F.max_pool3d,
    ("avg", 1): partial(F.avg_pool1d, count_include_pad=False),
    ("avg", 2): partial(F.avg_pool2d, count_include_pad=False),
    ("avg", 3): partial(F.avg_pool3d, count_include_pad=False),
}
_MODES = ("max", "avg")


class Pool(nn.Module):
    """Max or average pooling that says clearly when nothing would be left.

    Padded positions never take part: neither in the maximum nor in the average.

    Args:
        mode: ``'max'`` or ``'avg'``.
        size: Window along each pooled axis; one entry (sound) to three (video).
        stride: Step along each pooled axis.
        padding: Padding on both ends of each pooled axis, or ``'same'`` everywhere:
            TensorFlow's rule, ``ceil(length / stride)`` windows.
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
        padding: Sequence[int] | str,
        name: str = "pooling",
    ) -> None:
        super().__init__()
        if mode not in _MODES:
            raise ValueError(f"{name}: mode is {mode!r}, must be one of {_MODES}")
        if min(*size, *stride) < 1:
            raise ValueError(
                f"{name}: size and stride must be at least 1, got size "
                f"{tuple(size)} and stride {tuple(stride)}"
            )
        if padding != "same" and any(
            isinstance(pad, str) or not 0 <= pad <= one // 2
            for one, pad in zip(size, padding)
        ):
            raise ValueError(
                f"{name}: padding must be 'same' or lie between 0 and half the size, "
                f"got size {tuple(size)} and padding {padding!r}"
            )
        self.mode = mode
        self.size = tuple(size)
        self.stride = tuple(stride)
        self.padding = padding if padding == "same" else tuple(padding)
        self.name = name

    def forward(self, x: Tensor) -> Tensor:
        axes = x.shape[2:]
        if len(axes) != len(self.size):
            raise ValueError(
                f"{self.name}: expected (N, C) and {len(self.size)} axes, "
                f"got shape {tuple(x.shape)}"
            )
        pool = _POOLS[self.mode, len(self.size)]
        if self.padding == "same":
            return self._pool_same(x, pool)
        for length, size, padding in zip(axes, self.size, self.padding):
            if length + 2 * padding < size:
                raise ValueError(
                    f"{self.name}: a window of {self.size} with padding "
                    f"{self.padding} leaves nothing of an input of shape "
                    f"{tuple(x.shape)}; feed larger clips or pool less"
                )
        return pool(x, self.size, self.stride, self.padding)

    def _pool_same(self, x: Tensor, pool) -> Tensor:
        pads = [
            same_padding(length, size, stride)
            for length, size, stride in zip(x.shape[2:], self.size, self.stride)
        ]
        # One more after than before is what ceil_mode does, where the stride exceeds 1.
        if all(a == b or stride > 1 for (a, b), stride in zip(pads, self.stride)):
            before = [pad[0] for pad in pads]
            return pool(x, self.size, self.stride, before, ceil_mode=True)
        outside = [side for pad in reversed(pads) for side in pad]  # last axis first
        if self.mode == "max":
            return pool(F.pad(x, outside, value=float("-inf")), self.size, self.stride)
        real = pool(
            F.pad(x.new_ones(1, 1, *x.shape[2:]), outside), self.size, self.stride
        )
        return pool(F.pad(x, outside), self.size, self.stride) / real

    def extra_repr(self) -> str:
        return (
            f"mode={self.mode}, size={self.size}, stride={self.stride}, "
            f"padding={self.padding!r}"
        )
