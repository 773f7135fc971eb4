"""Self-attention over time that knows how far apart steps are, in linear memory."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOWEST = 10000.0  # wavelength in steps / 2 pi, as in the paper
BLOCKS = 32  # of windows whose keys are held beside each other at once


class RotaryAttention(nn.Module):
    """Multi-head self-attention with rotary positions.

    `RoFormer <https://arxiv.org/abs/2104.09864>`_ (Su et al. 2021), eq. 34: queries and
    keys are turned by their position, so that their product depends on the distance
    alone, and no matrix of biases ``(T, T)`` is made.

    Time grows with T squared, or with T in windows; memory with T in both (PyTorch's
    fused ``scaled_dot_product_attention``).

    Args:
        channels: D, a multiple of ``2 * num_heads``.
        num_heads: Attention heads.
        window: Each step sees its own block of so many steps and the two beside it.
            None: it sees all.

    Shape:
        - Input: ``(N, T, D)``, and which steps are real, bool ``(N, T)`` or None.
        - Output: ``(N, T, D)``; padded steps change nothing in the real ones.

    Raises:
        ValueError: ``channels`` cannot be divided so.
    """

    def __init__(
        self, channels: int, *, num_heads: int = 4, window: int | None = None
    ) -> None:
        super().__init__()
        if channels % (2 * num_heads):
            raise ValueError(
                f"channels must be a multiple of 2 * num_heads = {2 * num_heads}, "
                f"got {channels}"
            )
        if window is not None and window < 1:
            raise ValueError(f"window must be at least 1 step, got {window}")
        self.num_heads = num_heads
        self.window = window
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)

    def forward(self, x: Tensor, real: Tensor | None = None) -> Tensor:
        qkv = self.qkv(x).unflatten(2, (3, self.num_heads, -1))  # (N, T, 3, H, d)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (N, H, T, d)
        q, k = turned(q), turned(k)
        attend = self._everywhere if self.window is None else self._in_windows
        y = attend(q, k, v, real)  # (N, H, T, d)
        return self.out(y.transpose(1, 2).flatten(2))  # (N, T, D)

    def _everywhere(
        self, q: Tensor, k: Tensor, v: Tensor, real: Tensor | None
    ) -> Tensor:
        mask = None
        if real is not None:
            mask = real[:, None, None, :].expand(-1, -1, q.shape[2], -1)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)

    def _in_windows(
        self, q: Tensor, k: Tensor, v: Tensor, real: Tensor | None
    ) -> Tensor:
        size, steps = self.window, q.shape[2]
        rest = -steps % size
        if real is None:
            real = q.new_ones(q.shape[0], steps, dtype=torch.bool)
        q = F.pad(q, (0, 0, 0, rest)).unflatten(2, (-1, size))  # (N, H, B, W, d)
        k, v = (beside(one, size, rest) for one in (k, v))  # (N, H, B, 3 W, d)
        mask = F.pad(real, (size, size + rest)).unfold(1, 3 * size, size)  # (N, B, 3 W)
        # A block of padding sees padding: without a key there is no softmax.
        mask = mask | ~mask.any(dim=2, keepdim=True)
        mask = mask[:, None, :, None, :]  # (N, 1, B, 1, 3 W)
        parts = zip(*(one.split(BLOCKS, dim=2) for one in (q, k, v, mask)))
        y = torch.cat([F.scaled_dot_product_attention(*part) for part in parts], dim=2)
        return y.flatten(2, 3)[:, :, :steps]  # (N, H, T, d)


def beside(x: Tensor, size: int, rest: int) -> Tensor:
    """Each block of ``size`` steps between its neighbours: ``(N, H, B, 3 size, d)``."""
    x = F.pad(x, (0, 0, size, size + rest))
    return x.unfold(2, 3 * size, size).transpose(3, 4)


def turned(x: Tensor) -> Tensor:
    """``(..., T, d)``, pairs of channels turned by an angle that grows with t."""
    steps, half = x.shape[-2], x.shape[-1] // 2
    place = torch.arange(steps, device=x.device, dtype=torch.float32)
    power = torch.arange(half, device=x.device, dtype=torch.float32) / half
    angle = place[:, None] * SLOWEST**-power  # (T, d / 2)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)
