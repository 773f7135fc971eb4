from __future__ import annotations

import pytest
import torch

from mmstconv.models.layers import check_lengths, length_mask


def test_mask():
    mask = length_mask(torch.tensor([1, 3]), torch.rand(2, 3, 4))
    assert mask.tolist() == [[True, False, False], [True, True, True]]


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([1], r"shape \(2,\), got \(1,\)"),
        ([0, 1], r"in 1\.\.3, got \[0, 1\]"),
        ([1, 4], r"in 1\.\.3, got \[1, 4\]"),
    ],
)
def test_wrong_lengths(lengths, message):
    with pytest.raises(ValueError, match=message):
        check_lengths(torch.tensor(lengths), 2, 3)
