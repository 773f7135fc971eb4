from __future__ import annotations

import pytest
import torch

from mmstconv.models import ConcatFusion

WIDTHS = {"rgb": 4, "flow": 3, "audio": 2}


def features(batch=2, steps=3):
    return {
        name: torch.randn(batch, steps, width, requires_grad=True)
        for name, width in WIDTHS.items()
    }


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("steps", [1, 4])
def test_shapes_and_gradient(batch, steps):
    fusion, feats = ConcatFusion(WIDTHS), features(batch, steps)
    y = fusion(feats)
    assert y.shape == (batch, steps, fusion.out_channels)
    y.sum().backward()
    assert all(torch.equal(x.grad, torch.ones_like(x)) for x in feats.values())


def test_no_dict_order_matters():
    feats = features()
    turned = dict(reversed(feats.items()))
    expected = ConcatFusion(WIDTHS)(feats)
    assert torch.equal(ConcatFusion(WIDTHS)(turned), expected)
    assert torch.equal(ConcatFusion(dict(reversed(WIDTHS.items())))(feats), expected)


@pytest.mark.parametrize("content", [1e6, float("nan"), float("inf")])
def test_absent_rows_do_not_count(content):
    fusion, feats = ConcatFusion(WIDTHS), features()
    presence = {"audio": torch.tensor([True, False])}
    expected = fusion(feats, presence)
    changed = dict(feats, audio=feats["audio"].detach().clone())
    changed["audio"][1] = content
    changed["audio"].requires_grad_()
    y = fusion(changed, presence)
    assert torch.equal(y, expected)
    y.sum().backward()
    assert torch.equal(changed["audio"].grad[1], torch.zeros(3, 2))


def test_errors():
    fusion, feats = ConcatFusion(WIDTHS), features()
    with pytest.raises(ValueError, match=r"'flow', 'rgb'.*got those of"):
        fusion({"rgb": feats["rgb"]})
    with pytest.raises(ValueError, match="expected 4 channels of 'rgb', got 3"):
        fusion(dict(feats, rgb=feats["flow"]))
    with pytest.raises(ValueError, match="agree"):
        fusion(dict(feats, rgb=feats["rgb"][:, :1]))
