"""The published 3D ConvNets as tables of stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from .efficientnet_lite import ALL, LAST, efficientnet_lite

_BN = MappingProxyType({"type": "BN3d"})
# TensorFlow's default; torch's is 1e-5
_BN_TF = MappingProxyType({"type": "BN3d", "eps": 1e-3})
_RELU = MappingProxyType({"type": "ReLU"})


class Arch(NamedTuple):
    """Stages, norm and activation of a network."""

    stages: Sequence[Mapping]
    norm_cfg: Mapping | None = _BN
    act_cfg: Mapping | None = _RELU


def _max(size: int, stride: int | None = None, **kwargs) -> dict:
    return dict(mode="max", size=size, stride=stride or size, **kwargs)


def _c3d() -> Arch:
    """Tran 2015 up to fc7, whose layers slide over time as convolutions.

    fc6 reads the 4 x 4 positions that inputs of 112 x 112 leave.
    """
    halve = dict(temporal_pool=_max(2), spatial_pool=_max(2))
    full = dict(channels=4096, conv_cfg=dict(type="FullWindowConv3d"), padding=0)
    return Arch(
        stages=[
            dict(channels=64, spatial_pool=_max(2)),
            dict(channels=128, **halve),
            dict(channels=256, num_blocks=2, **halve),
            dict(channels=512, num_blocks=2, **halve),
            dict(
                channels=512,
                num_blocks=2,
                temporal_pool=_max(2),
                spatial_pool=_max(2, padding=1),
            ),
            dict(kernel_size=(1, 4, 4), **full),
            dict(kernel_size=1, **full),
        ],
        norm_cfg=None,
    )


_STEM_TRAN = dict(channels=64, kernel_size=(3, 7, 7), stride=(1, 2, 2))
_STEM_HARA = dict(
    channels=64,
    kernel_size=7,
    stride=(1, 2, 2),
    temporal_pool=_max(3, 2, padding=1),
    spatial_pool=_max(3, 2, padding=1),
)


def _r3d(depths: Sequence[int], stem: Mapping = _STEM_TRAN, **block) -> Arch:
    """Tran 2018's R3D: full 3D residual blocks."""
    return Arch(
        stages=[
            stem,
            *(
                dict(
                    block="ResidualBlock",
                    channels=channels,
                    num_blocks=depth,
                    stride=stride,
                    **block,
                )
                for channels, depth, stride in zip(
                    (64, 128, 256, 512), depths, (1, 2, 2, 2)
                )
            ),
        ]
    )


def _r3d_bottleneck(depths: Sequence[int], stem: Mapping = _STEM_TRAN) -> Arch:
    """The same with ResNet-50's blocks."""
    return Arch(
        stages=[
            stem,
            *(
                dict(
                    block="BottleneckBlock",
                    channels=channels,
                    num_blocks=depth,
                    stride=stride,
                )
                for channels, depth, stride in zip(
                    (256, 512, 1024, 2048), depths, (1, 2, 2, 2)
                )
            ),
        ]
    )


def _mc3_18() -> Arch:
    """Tran 2018's MC3: 3D convolutions in the stem and conv2, 2D ones above."""
    flat = dict(
        block="ResidualBlock", num_blocks=2, kernel_size=(1, 3, 3), stride=(1, 2, 2)
    )
    return Arch(
        stages=[
            _STEM_TRAN,
            dict(block="ResidualBlock", channels=64, num_blocks=2),
            dict(channels=128, **flat),
            dict(channels=256, **flat),
            dict(channels=512, **flat),
        ]
    )


_STEM_2PLUS1D = dict(_STEM_TRAN, conv_cfg=dict(type="SeparableConv3d", mid_channels=45))


def _r2plus1d(depths: Sequence[int]) -> Arch:
    """Tran 2018's R(2+1)D: as many parameters as R3D in every convolution."""
    return _r3d(depths, _STEM_2PLUS1D, conv_cfg=dict(type="Conv2plus1d"))


def _r2plus1d_18_torchvision() -> Arch:
    """R(2+1)D-18 as torchvision has it.

    It takes the width between the factors from the first convolution of a block for
    the second one too, which makes the second ones of three blocks narrower.
    """

    def middle(in_channels: int, channels: int) -> int:
        return in_channels * channels * 27 // (in_channels * 9 + 3 * channels)

    stages: list[Mapping] = [_STEM_2PLUS1D]
    in_channels = 64
    for channels, stride in zip((64, 128, 256, 512), (1, 2, 2, 2)):
        blocks = []
        for step in (stride, 1):
            mid = middle(in_channels, channels)
            conv = dict(type="SeparableConv3d", mid_channels=mid)
            blocks.append(
                dict(
                    type="ResidualBlock", channels=channels, stride=step, conv_cfg=conv
                )
            )
            in_channels = channels
        stages.append(dict(blocks=blocks))
    return Arch(stages=stages)


# Widths of the nine modules, in the order of I3D's table (Szegedy 2015, table 1).
_INCEPTION = (
    (
        (64, 96, 128, 16, 32, 32),
        (128, 128, 192, 32, 96, 64),
    ),
    (
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ),
    (
        (256, 160, 320, 32, 128, 128),
        (384, 192, 384, 48, 128, 128),
    ),
)


def _inception(
    stem: Mapping, conv3: Mapping, three: Mapping, two: Mapping, **block
) -> Arch:
    after = (
        dict(temporal_pool=three, spatial_pool=three),
        dict(temporal_pool=two, spatial_pool=two),
        {},
    )
    return Arch(
        stages=[
            dict(channels=64, kernel_size=7, stride=2, spatial_pool=three, **stem),
            dict(
                blocks=[
                    dict(type="ConvBlock", channels=64, kernel_size=1),
                    dict(type="ConvBlock", channels=192, **conv3),
                ],
                spatial_pool=three,
            ),
            *(
                dict(
                    blocks=[
                        dict(type="InceptionBlock", channels=channels, **block)
                        for channels in modules
                    ],
                    **pool,
                )
                for modules, pool in zip(_INCEPTION, after)
            ),
        ],
        norm_cfg=_BN_TF,
    )


def _i3d() -> Arch:
    """Carreira 2017: Inception-v1 inflated, with TensorFlow's padding."""
    return _inception(
        stem=dict(conv_cfg=dict(type="Conv3dSame")),
        conv3={},
        three=_max(3, 2, padding="same"),
        two=_max(2, padding="same"),
    )


def _s3d(gate: bool = False) -> Arch:
    """Xie 2018: I3D with convolutions split into space and time.

    The gates of S3D-G are where the authors' code (tensorflow/models, s3dg.py) has
    them: in every module and before the second pooling.
    """
    separable = dict(conv_cfg=dict(type="SeparableConv3d"))
    gated = dict(separable, gate=gate)
    return _inception(
        stem=separable,
        conv3=gated,
        three=_max(3, 2, padding=1),
        two=_max(2),
        **gated,
    )


def _lite(width: int) -> Arch:
    """Our own small network for clips of 112 x 112: four plain convolutions.

    Of seven kinds of block with equal multiply-adds this one was the most accurate and
    the fastest (docs/backbones.md): C3D's 3x3x3 convolutions and decoupled pooling,
    with a strided stem, wide only where maps are small, as X3D and S3D's top-heavy
    variant are, and time halved once, late, so that the LSTM has steps to read.
    """
    space = dict(spatial_pool=_max(2))
    return Arch(
        stages=[
            dict(channels=3 * width, stride=(1, 2, 2), **space),
            dict(channels=8 * width, **space),
            dict(channels=16 * width, temporal_pool=_max(2), **space),
            dict(channels=32 * width),
        ]
    )


def _efficientnet_lite(*args, **kwargs) -> Arch:
    norm = dict(type="BN3d", eps=1e-3, momentum=0.01)
    return Arch(
        efficientnet_lite(*args, **kwargs), norm, dict(type="ReLU6", inplace=False)
    )


ST_ARCHS: Mapping[str, Arch] = MappingProxyType(
    {
        "c3d": _c3d(),
        "r3d_18": _r3d((2, 2, 2, 2)),
        "r3d_34": _r3d((3, 4, 6, 3)),
        "r3d_50": _r3d_bottleneck((3, 4, 6, 3)),
        "mc3_18": _mc3_18(),
        "r2plus1d_18": _r2plus1d((2, 2, 2, 2)),
        "r2plus1d_34": _r2plus1d((3, 4, 6, 3)),
        "r2plus1d_18_torchvision": _r2plus1d_18_torchvision(),
        "hara_r3d_18": _r3d((2, 2, 2, 2), _STEM_HARA),
        "hara_r3d_18_shortcut_a": _r3d((2, 2, 2, 2), _STEM_HARA, shortcut="pad"),
        "hara_r3d_34": _r3d((3, 4, 6, 3), _STEM_HARA),
        "hara_r3d_34_shortcut_a": _r3d((3, 4, 6, 3), _STEM_HARA, shortcut="pad"),
        "hara_r3d_50": _r3d_bottleneck((3, 4, 6, 3), _STEM_HARA),
        "i3d": _i3d(),
        "s3d": _s3d(),
        "s3dg": _s3d(gate=True),
        "lite": _lite(8),
        "lite_half": _lite(4),
        "efficientnet_lite0": _efficientnet_lite(),
        "efficientnet_lite0_3d": _efficientnet_lite(inflated=ALL),
        "efficientnet_lite0_top3d": _efficientnet_lite(inflated=LAST),
        "efficientnet_lite1": _efficientnet_lite(1.0, 1.1),
        "efficientnet_lite2": _efficientnet_lite(1.1, 1.2),
    }
)
