from __future__ import annotations

import pytest
import torch
from helpers_culprits import for_each
from mmaction.registry import MODELS

from mmstconv.models import LastState, LSTMTemporalNeck, MeanOverTime

KINDS = ["LastState", "MeanOverTime", "AttentionOverTime"]


@for_each("kind", KINDS)
@for_each("shape", [(1, 1, 4), (3, 5, 4), (1, 6, 2)])
def test_shapes_and_gradient(kind, shape):
    layer = MODELS.build(dict(type=kind, in_channels=shape[2]))
    x = torch.randn(shape, requires_grad=True)
    y = layer(x)
    assert y.shape == (shape[0], shape[2])
    y.sum().backward()
    for tensor in (x, *layer.parameters()):
        assert torch.isfinite(tensor.grad).all()


@pytest.mark.parametrize("kind", KINDS)
def test_padding_does_not_count(kind):
    layer = MODELS.build(dict(type=kind, in_channels=4))
    x, lengths = torch.randn(3, 6, 4), torch.tensor([2, 6, 1])
    alone = torch.cat([layer(x[row : row + 1, :n]) for row, n in enumerate(lengths)])
    for row, n in enumerate(lengths):
        x[row, n:] = float("nan")
    assert torch.allclose(layer(x, lengths), alone, atol=1e-6)


def test_last_state_knows_both_directions():
    neck = LSTMTemporalNeck(3, 4, bidirectional=True)
    x = torch.randn(2, 3, 5)
    sequence = neck(x)[0][..., 0, 0].transpose(1, 2)  # (N, T, D)
    _, (state, _) = neck.lstm(x.transpose(1, 2))  # state (2, N, 4)
    last = LastState(8, bidirectional=True)(sequence)
    assert torch.equal(last, torch.cat([state[0], state[1]], dim=1))


def test_last_state_of_both_directions_with_lengths():
    neck = LSTMTemporalNeck(3, 4, bidirectional=True)
    reduce = LastState(8, bidirectional=True)
    x, lengths = torch.randn(2, 3, 5), torch.tensor([3, 5])
    padded = neck(x, lengths=lengths)[0][..., 0, 0].transpose(1, 2)
    alone = neck(x[:1, :, :3])[0][..., 0, 0].transpose(1, 2)
    assert torch.allclose(reduce(padded, lengths)[:1], reduce(alone), atol=1e-6)


def test_odd_channels_cannot_be_two_directions():
    with pytest.raises(ValueError, match=r"even.*got 5"):
        LastState(5, bidirectional=True)


@pytest.mark.parametrize("lengths", [[0, 2], [1, 9], [1]])
def test_wrong_lengths(lengths):
    with pytest.raises(ValueError, match="lengths: expected"):
        MeanOverTime(4)(torch.rand(2, 3, 4), torch.tensor(lengths))
