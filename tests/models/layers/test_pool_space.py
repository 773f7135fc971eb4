from __future__ import annotations

import pytest
import torch
from helpers_culprits import for_each

from mmstconv.models.layers import pool_space


@for_each("space", [(), (1,), (2, 3), (1, 1)])
@for_each("batch", [1, 2])
def test_keeps_time(batch, space):
    x = torch.randn(batch, 4, 5, *space)
    y = pool_space(x)
    assert y.shape == (batch, 5, 4)
    mean = x.reshape(batch, 4, 5, -1).mean(-1).transpose(1, 2)
    assert torch.allclose(y, mean)


def test_no_time_axis_is_one_step():
    assert pool_space(torch.rand(2, 4)).shape == (2, 1, 4)


def test_several_levels_are_refused():
    with pytest.raises(TypeError, match=r"tuple.*out_indices"):
        pool_space((torch.rand(1, 2, 3), torch.rand(1, 2, 3)))


def test_too_few_axes():
    with pytest.raises(ValueError, match=r"\(4,\)"):
        pool_space(torch.rand(4))
