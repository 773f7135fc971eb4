from __future__ import annotations

import pytest
import torch
from helpers_culprits import for_each

from mmstconv.models import SpatioTemporalPool


@for_each("batch", [1, 2])
@for_each("temporal", [None, dict(mode="max", size=2)])
@for_each("spatial", [None, dict(mode="avg", size=(2, 4), stride=2)])
def test_shapes(batch, temporal, spatial):
    x = torch.rand(batch, 3, 8, 8, 8, requires_grad=True)
    y = SpatioTemporalPool(temporal=temporal, spatial=spatial)(x)
    assert y.shape == (batch, 3, 4 if temporal else 8, *((4, 3) if spatial else (8, 8)))
    y.sum().backward()
    assert torch.isfinite(x.grad).all()


def test_nothing_to_pool_is_the_identity():
    x = torch.rand(1, 2, 3, 4, 5)
    assert torch.equal(SpatioTemporalPool()(x), x)


def test_average_leaves_padding_out():
    pool = SpatioTemporalPool(spatial=dict(mode="avg", size=2, stride=2, padding=1))
    assert torch.equal(pool(torch.ones(1, 1, 1, 4, 4)), torch.ones(1, 1, 1, 3, 3))


@for_each(
    "cfg, message",
    [
        (dict(mode="min", size=2), "'min'.*'max', 'avg'"),
        (dict(mode="max"), "'size' must be"),
        (dict(mode="max", size=2, kernel=3), "kernel"),
        (dict(mode="max", size=0), "at least 1"),
        (dict(mode="max", size=2, padding=2), "padding"),
    ],
)
def test_wrong_config(cfg, message):
    with pytest.raises(ValueError, match=message):
        SpatioTemporalPool(temporal=cfg)


def test_vanishing_axis_is_named():
    pool = SpatioTemporalPool(temporal=dict(mode="max", size=4))
    with pytest.raises(ValueError, match=r"temporal pooling.*\(1, 2, 3, 8, 8\)"):
        pool(torch.rand(1, 2, 3, 8, 8))


def test_wrong_number_of_axes():
    with pytest.raises(ValueError, match="spatial pooling: expected"):
        SpatioTemporalPool(spatial=dict(mode="max", size=2))(torch.rand(1, 2, 8))
