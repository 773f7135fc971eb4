from __future__ import annotations

import pytest
import torch

from mmstconv.models import FusionOperator
from mmstconv.models.fusion.base import masked_softmax


class First(FusionOperator):
    """Only passes on, to see what the base class hands over."""

    def fuse(self, feats, present):
        self.seen = (feats, present)
        return feats[self.modalities[0]]


def test_what_subclasses_get():
    fusion = First({"rgb": 2, "audio": 3}, out_channels=3)
    feats = {"rgb": torch.ones(2, 4, 2), "audio": torch.full((2, 4, 3), torch.nan)}
    y = fusion(feats, {"audio": torch.tensor([False, False])})
    assert torch.equal(y, torch.zeros(2, 4, 3))
    filled, present = fusion.seen
    assert list(filled) == list(present) == ["audio", "rgb"]
    assert torch.equal(filled["rgb"], feats["rgb"])
    assert not present["audio"].any() and present["audio"].shape == (2, 1, 1)
    assert present["rgb"].all() and present["rgb"].shape == (2, 1, 1)


def test_a_learned_embedding_counts_as_present():
    fusion = First({"audio": 3}, out_channels=3, learned_absent=True)
    fusion.absent["audio"].data = torch.tensor([1.0, 2.0, 3.0])
    feats = {"audio": torch.full((2, 4, 3), torch.nan)}
    y = fusion(feats, {"audio": torch.tensor([False, False])})
    assert torch.equal(y, torch.tensor([1.0, 2.0, 3.0]).expand(2, 4, 3))
    assert fusion.seen[1]["audio"].all()


@pytest.mark.parametrize("in_channels", [{}, 3, None])
def test_no_channels(in_channels):
    with pytest.raises(ValueError, match="in_channels: expected the channels of each"):
        First(in_channels, out_channels=3)


def test_masked_softmax():
    logits = torch.randn(5, 3, requires_grad=True)
    present = torch.tensor([[1, 1, 1], [1, 0, 1], [0, 0, 1], [0, 0, 0], [0, 1, 1]]) > 0
    y = masked_softmax(logits, present, dim=-1)
    for row in range(5):
        e = [logits[row, i].exp() * present[row, i] for i in range(3)]
        total = sum(e) if present[row].any() else torch.tensor(1.0)
        torch.testing.assert_close(y[row], torch.stack([x / total for x in e]))
    y.square().sum().backward()
    assert logits.grad.isfinite().all()
    assert not logits.grad[~present].any()
