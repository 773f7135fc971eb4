"""What comes out piece by piece equals the backbone on each window alone."""

from __future__ import annotations

import pytest
import torch
from helpers_culprits import for_each
from torch import nn

from mmstconv.models import STConvNet
from mmstconv.models.layers import window_of
from mmstconv.models.streaming import StreamedTrunk

POOL = dict(mode="max", size=2)
MEAN = dict(mode="avg", size=3, stride=2, padding=1)
SMALL = {
    "c3d-like": [
        dict(channels=4, spatial_pool=POOL),
        dict(channels=5, num_blocks=2, temporal_pool=POOL, spatial_pool=POOL),
        dict(channels=6, kernel_size=(1, 3, 3), padding=0),
    ],
    "mean": [dict(channels=4, temporal_pool=MEAN, spatial_pool=MEAN), dict(channels=4)],
    "residual": [
        dict(channels=4, kernel_size=(3, 5, 5), stride=(1, 2, 2)),
        dict(block="ResidualBlock", channels=4, num_blocks=2),
        dict(block="ResidualBlock", channels=6, num_blocks=2, stride=2),
    ],
    "shortcut of zeros": [
        dict(block="ResidualBlock", channels=6, stride=2, shortcut="pad")
    ],
    "bottleneck": [dict(block="BottleneckBlock", channels=8, num_blocks=2, stride=2)],
    "inverted": [dict(block="InvertedResidualBlock", channels=4, num_blocks=2)],
    "linear bottleneck": [
        dict(
            block="LinearBottleneckBlock",
            channels=channels,
            num_blocks=2,
            kernel_size=(3, 5, 5),
            stride=(1, 2, 2),
            conv_cfg=dict(type=conv),
        )
        for channels, conv in ((4, "Conv3d"), (5, "FoldedConv3d"))
    ],
    "2+1": [
        dict(
            block="ResidualBlock",
            channels=4,
            stride=2,
            conv_cfg=dict(type="Conv2plus1d"),
        )
    ],
    "separable": [dict(channels=4, conv_cfg=dict(type="SeparableConv3d"))],
    "inception": [
        dict(
            blocks=[
                dict(type="InceptionBlock", channels=(2, 2, 3, 2, 3, 2)),
                dict(type="InceptionBlock", channels=(2, 2, 3, 2, 3, 2)),
            ],
            temporal_pool=dict(mode="max", size=3, stride=2, padding="same"),
        )
    ],
    "sparse": [
        dict(channels=4, kernel_size=(1, 3, 3), stride=(3, 1, 1)),
        dict(channels=4, dilation=(2, 1, 1)),
    ],
}


def unsettled(net):
    """As after training: norms that do something."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm3d):
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
    return net.eval()


def steps_of(trunk, x, sizes):
    """All steps of ``x``, fed in pieces of these sizes again and again."""
    steps, start = [], 0
    while start < x.shape[2]:
        size = sizes[len(steps) % len(sizes)]
        steps.append(trunk(x[:, :, start : start + size]))
        start += size
    return torch.cat([step for step in steps if step is not None], dim=2)


@torch.no_grad()
def compare(net, sizes, rows=2, side=12):
    trunk = StreamedTrunk(net)
    assert window_of(net.stages) == (trunk.reach, trunk.stride)
    frames = trunk.reach + 2 * trunk.stride + 1
    x = torch.randn(rows, 3, frames + 3 * trunk.stride, side, side)
    steps = steps_of(trunk, x, sizes)
    count = trunk.steps_in(frames)
    for start in range(0, 4 * trunk.stride, trunk.stride):
        alone = net(x[:, :, start : start + frames])
        assert alone.shape[2] == count
        first = start // trunk.stride
        scale = alone.abs().max()
        torch.testing.assert_close(
            steps[:, :, first : first + count] / scale, alone / scale, rtol=0, atol=1e-5
        )
    return steps


@for_each("sizes", [(1,), (5, 1, 3), (100,)])
@for_each("name", SMALL)
def test_equals_each_window_alone(name, sizes):
    net = unsettled(STConvNet(SMALL[name], temporal_padding=False))
    compare(net, sizes)


@pytest.mark.parametrize("arch", ["lite", "mc3_18", "efficientnet_lite0"])
def test_published_networks(arch):
    net = unsettled(STConvNet(arch=arch, temporal_padding=False))
    compare(net, (7,), rows=1, side=32)


@for_each("arch", ["i3d", "s3d", "s3dg", "hara_r3d_18_shortcut_a"])
def test_a_network_says_whether_it_can(arch):
    if arch == "i3d":
        with pytest.raises(ValueError, match="Conv3dSame pads time by the length"):
            STConvNet(arch=arch, temporal_padding=False)
        return
    net = STConvNet(arch=arch, temporal_padding=False)
    if arch == "s3dg":
        with pytest.raises(ValueError, match="FeatureGate weighs channels by the"):
            StreamedTrunk(net)
        return
    trunk = StreamedTrunk(net)
    assert trunk.reach > 1
    assert window_of(net.stages) == (trunk.reach, trunk.stride)


def test_a_padded_network_is_refused():
    with pytest.raises(ValueError, match="temporal_padding=False"):
        StreamedTrunk(STConvNet(SMALL["c3d-like"]))


def test_starts_again():
    net = unsettled(STConvNet(SMALL["residual"], temporal_padding=False))
    trunk = StreamedTrunk(net)
    x = torch.randn(1, 3, 25, 12, 12)
    with torch.no_grad():
        first = steps_of(trunk, x, (4,))
        trunk.reset()
        again = steps_of(trunk, x, (4,))
    assert first.equal(again)


def test_keeps_a_bounded_number_of_frames():
    """Ten frames or a hundred: what is held is the same."""
    net = unsettled(STConvNet(SMALL["inception"], temporal_padding=False))
    trunk = StreamedTrunk(net)

    def held():
        kept = [getattr(node, "tail", None) for node in trunk.modules()]
        kept += [x for n in trunk.modules() for x in getattr(n, "waiting", ())]
        kept = [x for x in kept if x is not None]
        assert all(x.untyped_storage().nbytes() <= 4 * x.numel() for x in kept)
        return sum(x.numel() for x in kept)

    sizes = []
    with torch.no_grad():
        for frame in range(100):
            trunk(torch.randn(1, 3, 1, 6, 6))
            if frame % 2:
                sizes.append(held())
    assert sizes[0] < sizes[10] == sizes[-1]


def test_the_weights_are_a_copy():
    net = unsettled(STConvNet(SMALL["c3d-like"], temporal_padding=False))
    trunk = StreamedTrunk(net)
    before = [value.clone() for value in trunk.state_dict().values()]
    for parameter in net.parameters():
        nn.init.zeros_(parameter)
    assert all(a.equal(b) for a, b in zip(before, trunk.state_dict().values()))
    assert all(parameter.requires_grad for parameter in net.parameters())
