"""Without padding over time: shorter, and what is left is what padding gives inside."""

from __future__ import annotations

import pytest
import torch
from helpers_culprits import for_each
from mmaction.registry import MODELS

from mmstconv.models import STConvNet
from mmstconv.models.layers import ConvBlock

BLOCKS = {
    "ConvBlock": (dict(channels=4), 1),
    "ResidualBlock": (dict(channels=4), 2),
    "BottleneckBlock": (dict(channels=8), 1),
    "InvertedResidualBlock": (dict(channels=4), 1),
    "InceptionBlock": (dict(channels=(1, 2, 1, 2, 1, 1)), 1),
}


@for_each("name", BLOCKS)
def test_the_inside_of_a_padded_block(name):
    """Steps that see no padding are the same; there are no others."""
    kwargs, lost = BLOCKS[name]
    padded = MODELS.build(dict(type=name, in_channels=3, **kwargs)).eval()
    unpadded = MODELS.build(
        dict(type=name, in_channels=3, temporal_padding=False, **kwargs)
    ).eval()
    unpadded.load_state_dict(padded.state_dict())
    x = torch.randn(2, 3, 9, 6, 6)
    inside = padded(x)[:, :, lost : 9 - lost]
    torch.testing.assert_close(unpadded(x), inside, rtol=0, atol=1e-5)


@for_each("stride", [(2, 1, 1), (2, 2, 2)])
@for_each("name", ["ResidualBlock", "BottleneckBlock"])
def test_strided_shortcuts_keep_step(name, stride):
    """A step's residual and its shortcut are centred on one frame."""
    block = MODELS.build(
        dict(
            type=name,
            in_channels=4,
            channels=8,
            stride=stride,
            temporal_padding=False,
            shortcut="pad",
        )
    ).eval()
    last = block.conv2 if name == "ResidualBlock" else block.conv3
    torch.nn.init.zeros_(last.conv.weight)
    if last.conv.bias is not None:
        torch.nn.init.zeros_(last.conv.bias)
    x = torch.randn(1, 4, 13, 6, 6)
    lost = 3 if name == "ResidualBlock" else 1
    steps = block(x)
    want = x[:, :, lost::2, :: stride[1], :: stride[2]][:, :, : steps.shape[2]]
    torch.testing.assert_close(steps[:, :4], want)
    assert steps.shape[2] == {"ResidualBlock": 4, "BottleneckBlock": 6}[name]


def test_steps_do_not_depend_on_the_rest_of_the_clip():
    stages = [dict(channels=4, temporal_pool=dict(mode="max", size=2, padding=1))]
    net = STConvNet(stages, temporal_padding=False).eval()
    x = torch.randn(1, 3, 8, 6, 6)
    torch.testing.assert_close(net(x)[:, :, 1:], net(x[:, :, 2:]))
    assert net(x).shape[2] == 3
    padded = STConvNet(stages).eval()
    assert not torch.allclose(padded(x)[:, :, 1:4], padded(x[:, :, 2:])[:, :, :3])


def test_a_layer_that_pads_itself_is_refused():
    with pytest.raises(ValueError, match="Conv3dSame pads time by the length"):
        ConvBlock(3, 4, conv_cfg=dict(type="Conv3dSame"), temporal_padding=False)
