from __future__ import annotations

import torch
from helpers_culprits import for_each

from mmstconv.models.layers import LinearBottleneckBlock

BN = dict(norm_cfg=dict(type="BN3d"), act_cfg=dict(type="ReLU6"))


@for_each("batch", [1, 2])
@for_each("channels", [8, 16])
@for_each("stride", [1, (1, 2, 2)])
@for_each("expansion", [1, 3])
def test_shapes_and_gradient(batch, channels, stride, expansion):
    net = LinearBottleneckBlock(8, channels, stride=stride, expansion=expansion, **BN)
    assert net.depthwise.conv.out_channels == 8 * expansion
    y = net(torch.randn(batch, 8, 4, 6, 6))
    side = 6 if stride == 1 else 3
    assert y.shape == (batch, channels, 4, side, side)
    y.square().sum().backward()
    assert all(torch.isfinite(one.grad).all() for one in net.parameters())


def test_without_residual_the_input_comes_through_unchanged():
    net = LinearBottleneckBlock(8, 8, **BN).eval()
    torch.nn.init.zeros_(net.project.bn.weight)
    x = torch.randn(1, 8, 2, 4, 4)
    assert torch.equal(net(x), x)  # negative values too


def test_no_shortcut_where_shapes_differ():
    for kwargs in (dict(channels=6), dict(channels=4, stride=2)):
        net = LinearBottleneckBlock(4, **kwargs, **BN).eval()
        torch.nn.init.zeros_(net.project.bn.weight)
        assert not net(torch.randn(1, 4, 2, 4, 4)).any(), kwargs


def test_dropped_paths_by_clip_and_in_expectation():
    """A clip has the shortcut alone, or the residual over its share; the mean stays."""
    rate, clips = 0.25, 4000
    net = LinearBottleneckBlock(2, 2, drop_path=rate, act_cfg=dict(type="ReLU6"))
    x = torch.randn(1, 2, 1, 2, 2)
    with torch.no_grad():
        residual = net.eval()(x) - x
        got = net.train()(x.expand(clips, -1, -1, -1, -1)) - x
    share = (got / residual).flatten(1)  # one number a clip
    torch.testing.assert_close(share, share[:, :1].expand_as(share), atol=1e-3, rtol=0)
    dropped = share[:, 0].abs() < 1e-3
    torch.testing.assert_close(
        share[~dropped, 0], torch.full((int((~dropped).sum()),), 1 / (1 - rate))
    )
    # five standard deviations of a mean over the clips
    deviation = (rate * (1 - rate) / clips) ** 0.5
    assert abs(dropped.float().mean() - rate) < 5 * deviation
    assert abs(share.mean() - 1) < 5 * deviation / (1 - rate)
