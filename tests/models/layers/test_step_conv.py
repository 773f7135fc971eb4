"""Convolution over time steps, padded or in parts."""

from __future__ import annotations

import torch

from mmstconv.models.layers import StepConv


def real(lengths, steps):
    return (torch.arange(steps) < torch.tensor(lengths)[:, None])[:, None]


def test_padding_changes_nothing():
    for causal in (False, True):
        for plain in (False, True):
            conv = StepConv(3, 5, causal=causal, plain=plain).double()
            x = torch.randn(2, 3, 9, dtype=torch.float64)
            x[1, :, 6:] = torch.nan
            found = conv(x, real([9, 6], 9))
            alone = conv(x[1:, :, :6], real([6], 6))
            torch.testing.assert_close(found[1:, :, :6], alone)
            assert found.shape == (2, 5, 9)


def test_causal_sees_the_past_alone():
    conv = StepConv(3, 5, kernel_size=5, causal=True)
    x = torch.randn(1, 3, 12)
    whole = conv(x, real([12], 12))
    for seen in range(1, 12):
        part = conv(x[:, :, :seen], real([seen], seen))
        torch.testing.assert_close(whole[:, :, :seen], part)


def test_prior():
    conv = StepConv(3, 4, plain=True, prior=0.01)
    torch.testing.assert_close(conv.conv.bias.sigmoid(), torch.full((4,), 0.01))
