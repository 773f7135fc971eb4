"""Attention over time: its formula, its windows, its padding."""

from __future__ import annotations

import math

import pytest
import torch
from helpers_culprits import for_each

from mmstconv.models.layers import RotaryAttention
from mmstconv.models.layers.rotary_attention import BLOCKS


def naive(layer: RotaryAttention, x, real):
    """One step at a time, float64: angles, softmax and windows by their definition."""
    layer, x = layer.double(), x.double()
    steps, heads = x.shape[1], layer.num_heads
    q, k, v = (part.unflatten(2, (heads, -1)) for part in layer.qkv(x).chunk(3, dim=2))
    width = q.shape[-1]
    out = torch.zeros_like(q)

    def turn(vector, place):
        turned = vector.clone()
        for pair in range(width // 2):
            angle = place * 10000.0 ** (-pair / (width // 2))
            a, b = vector[..., pair], vector[..., pair + width // 2]
            turned[..., pair] = a * math.cos(angle) - b * math.sin(angle)
            turned[..., pair + width // 2] = a * math.sin(angle) + b * math.cos(angle)
        return turned

    for n in range(len(x)):
        for t in range(steps):
            seen = [s for s in range(steps) if real is None or real[n, s]]
            if layer.window is not None:
                block = t // layer.window
                seen = [s for s in seen if abs(s // layer.window - block) <= 1]
            if not seen:
                continue
            query = turn(q[n, t], t)
            keys = torch.stack([turn(k[n, s], s) for s in seen])  # (S, H, d)
            weights = ((keys * query).sum(2) / math.sqrt(width)).softmax(0)
            out[n, t] = (weights[..., None] * v[n, seen]).sum(0)
    return layer.out(out.flatten(2))


@for_each("window", [None, 1, 3, 8, 20])
@for_each("lengths", [None, (11, 5), (3, 1)])
def test_its_formula(window, lengths):
    layer = RotaryAttention(16, num_heads=2, window=window)
    x = torch.randn(2, 11, 16)
    real = None
    if lengths is not None:
        real = torch.arange(11) < torch.tensor(lengths)[:, None]
    found = layer(x, real)
    expected = naive(layer, x, real).float()
    assert torch.isfinite(found).all()
    kept = torch.ones(2, 11, dtype=torch.bool) if real is None else real
    torch.testing.assert_close(found[kept], expected[kept], atol=1e-5, rtol=1e-4)


def test_more_windows_than_are_held_at_once():
    layer = RotaryAttention(16, num_heads=2, window=2)
    x = torch.randn(1, 2 * BLOCKS + 7, 16)
    for real in (None, torch.arange(x.shape[1])[None] < 2 * BLOCKS + 3):
        found, expected = layer.float()(x, real), naive(layer, x, real).float()
        kept = slice(x.shape[1] if real is None else int(real.sum()))
        torch.testing.assert_close(
            found[:, kept], expected[:, kept], atol=1e-5, rtol=1e-4
        )


def test_padding_gets_no_gradient():
    layer = RotaryAttention(16, window=2)
    x = torch.randn(1, 12, 16, requires_grad=True)
    real = torch.arange(12)[None] < 5
    layer(x, real)[0, :5].sum().backward()
    assert x.grad[0, :5].abs().sum() > 0
    assert not x.grad[0, 5:].any()
    assert all(torch.isfinite(p.grad).all() for p in layer.parameters())


def test_wrong_arguments():
    with pytest.raises(ValueError, match=r"multiple of 2 \* num_heads = 8, got 12"):
        RotaryAttention(12, num_heads=4)
    with pytest.raises(ValueError, match="window must be at least 1 step, got 0"):
        RotaryAttention(16, window=0)
