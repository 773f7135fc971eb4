from __future__ import annotations

import torch
from helpers_culprits import for_each

from mmstconv.models.layers import Pool


@for_each("batch", [1, 2])
@for_each("mode", ["max", "avg"])
@for_each("size, stride, padding", [(2, 2, 0), (3, 1, 1)])
def test_one_axis(batch, mode, size, stride, padding):
    pool = Pool(mode=mode, size=(size,), stride=(stride,), padding=(padding,))
    x = torch.rand(batch, 3, 8, requires_grad=True)
    y = pool(x)
    assert y.shape == (batch, 3, 4 if stride == 2 else 8)
    y.sum().backward()
    assert torch.isfinite(x.grad).all()
    assert f"mode={mode}" in repr(pool)


def test_padding_never_takes_part():
    cfg = dict(size=(3,), stride=(1,), padding=(1,))
    x = torch.full((1, 1, 4), -5.0)
    assert torch.equal(Pool(mode="avg", **cfg)(x), x)
    assert torch.equal(Pool(mode="max", **cfg)(x), x)


@for_each("mode", ["max", "avg"])
@for_each("size", [2, 3, 4])
@for_each("stride", [1, 2, 3])
@for_each("length", [1, 2, 5, 8])
def test_same_padding_window_by_window(mode, size, stride, length):
    """TensorFlow's rule, written out; what is padded takes no part."""
    pool = Pool(mode=mode, size=(size,), stride=(stride,), padding="same")
    x = torch.randn(1, 1, length)
    windows = -(-length // stride)
    before = max((windows - 1) * stride + size - length, 0) // 2
    read = max if mode == "max" else lambda values: sum(values) / len(values)
    expected = []
    for index in range(windows):
        start = index * stride - before
        seen = range(max(start, 0), min(start + size, length))
        expected.append(read([x[0, 0, i].item() for i in seen]))
    torch.testing.assert_close(pool(x)[0, 0], torch.tensor(expected))
