"""One comparison of weights with parameters, for all who ask."""

from __future__ import annotations

import torch
from torch import nn

from mmstconv.checkpoints.comparing import compare, lines_of


def test_each_difference_has_its_place():
    network = nn.Sequential(nn.Conv3d(2, 3, 1), nn.BatchNorm3d(3), nn.Linear(3, 4))
    expected = network.state_dict()
    weights = dict(expected)
    del weights["1.num_batches_tracked"], weights["1.bias"]
    weights["0.weight"] = weights["0.weight"][:, :, 0]
    weights["2.bias"] = torch.ones(4, dtype=torch.int64)
    weights["2.weight"] = "text"
    weights["head.weight"] = torch.ones(1)
    found = compare(weights, expected)
    assert found.missing == ["1.bias"]
    assert found.foreign == ["head.weight"]
    assert found.misfits == {"0.weight": ((3, 2, 1, 1), (3, 2, 1, 1, 1))}
    assert found.unusable == [
        "2.weight is a str, not a tensor",
        "2.bias holds torch.int64, where the network has torch.float32",
    ]
    assert found.common == [
        key for key in expected if key in weights and key != "2.weight"
    ]


def test_a_network_without_memory_is_compared_by_shapes_alone():
    with torch.device("meta"):
        expected = nn.Linear(2, 3).state_dict()
    found = compare(nn.Linear(2, 3).state_dict(), expected)
    assert found.common == ["weight", "bias"]
    assert not (found.missing or found.foreign or found.misfits or found.unusable)


def test_a_long_list_says_how_many_more():
    assert lines_of("abc", most=2) == "  a\n  b\n  ... and 1 more"
    assert lines_of("ab", most=2) == "  a\n  b"
