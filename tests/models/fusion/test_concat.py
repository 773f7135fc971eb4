from __future__ import annotations

import torch

from mmstconv.models import ConcatFusion

WIDTHS = {"rgb": 4, "flow": 3, "audio": 2}


def test_channels_in_alphabetical_order_and_zeros():
    feats = {name: torch.randn(2, 3, width) for name, width in WIDTHS.items()}
    y = ConcatFusion(WIDTHS)(feats, {"flow": torch.tensor([True, False])})
    expected = torch.cat([feats["audio"], feats["flow"], feats["rgb"]], dim=-1)
    expected[1, :, 2:5] = 0
    assert torch.equal(y, expected)


def test_gradient_is_that_of_a_copy():
    feats = {
        name: torch.randn(2, 3, width, requires_grad=True)
        for name, width in WIDTHS.items()
    }
    ConcatFusion(WIDTHS)(feats).sum().backward()
    assert all(torch.equal(x.grad, torch.ones_like(x)) for x in feats.values())


def test_nothing_to_keep_with_the_weights():
    """Checkpoints from before learned embeddings fit."""
    assert not ConcatFusion(WIDTHS).state_dict()
