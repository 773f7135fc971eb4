from __future__ import annotations

import pytest
import torch
from torch import nn

from mmstconv.models.layers import ConvStage, check_stages


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("ndim", [1, 3])
@pytest.mark.parametrize("kernel_size", [1, 3])
def test_shapes_and_gradient(batch, ndim, kernel_size):
    stage = ConvStage(
        in_channels=2,
        channels=4,
        ndim=ndim,
        pool=nn.Identity(),
        num_convs=2,
        kernel_size=kernel_size,
        norm_cfg=dict(type=f"BN{ndim}d"),
        act_cfg=dict(type="ReLU"),
    )
    y = stage(torch.rand(batch, 2, *[6] * ndim))
    assert y.shape == (batch, 4, *[6] * ndim)
    y.square().sum().backward()
    assert all(torch.isfinite(one.grad).all() for one in stage.parameters())


def test_only_the_first_convolution_strides():
    stage = ConvStage(
        in_channels=1, channels=2, ndim=1, pool=nn.Identity(), num_convs=3, stride=2
    )
    assert stage(torch.rand(1, 1, 16)).shape == (1, 2, 8)


def test_unknown_key_is_named():
    with pytest.raises(ValueError, match=r"Net: stages\[1\].*'chanels'"):
        check_stages([dict(channels=1), dict(chanels=1)], ("channels",), "Net")
