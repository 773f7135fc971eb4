"""The published networks for sound as tables of stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from .st_archs import Arch


class MelArch(NamedTuple):
    """Stages over the picture ``(time, bands)``, and what surrounds them.

    ``min_frames`` is the shortest input that leaves one time step.
    """

    stages: Sequence[Mapping]
    norm_cfg: Mapping | None
    norm_bands: bool = False
    min_frames: int = 1


def _res1dnet31() -> Arch:
    """Kong 2020's best network on waveforms: its stem has no activation."""
    return Arch(
        stages=[
            dict(channels=64, kernel_size=11, stride=5, act_cfg=None),
            *(
                dict(
                    block="WaveResidualBlock",
                    channels=channels,
                    num_blocks=2,
                    stride=stride,
                )
                for channels, stride in zip(
                    (64, 128, 256, 512, 1024, 1024, 2048), (1, 4, 4, 4, 4, 4, 4)
                )
            ),
        ],
        norm_cfg=dict(type="BN1d"),
    )


def _soundnet8() -> Arch:
    """Aytar 2016's network on waveforms up to conv7, as its authors' code has it.

    conv8, which reads eight steps of it and scores objects and scenes, is no trunk.
    """
    layers = (
        # channels, kernel, pooling
        (16, 64, 8),
        (32, 32, 8),
        (64, 16, None),
        (128, 8, None),
        (256, 4, 4),
        (512, 4, None),
        (1024, 4, None),
    )
    return Arch(
        stages=[
            dict(
                channels=channels,
                kernel_size=size,
                stride=2,
                pool=None if pool is None else dict(mode="max", size=pool),
            )
            for channels, size, pool in layers
        ],
        norm_cfg=dict(type="BN1d"),
    )


def _cnn14() -> MelArch:
    """Kong 2020's Cnn14 up to the mean over the bands."""
    halve = dict(mode="avg", size=2)
    return MelArch(
        stages=[
            dict(
                channels=channels,
                num_blocks=2,
                pool=None if channels == 2048 else halve,
                dropout=0.2,
            )
            for channels in (64, 128, 256, 512, 1024, 2048)
        ],
        norm_cfg=dict(type="BN2d"),
        norm_bands=True,
        min_frames=32,
    )


def _vggish() -> MelArch:
    """Hershey 2017's VGG for AudioSet, whose embedding layers slide over time.

    The first of them reads the 6 x 4 positions that 96 frames x 64 bands leave.
    """
    halve = dict(mode="max", size=2)
    return MelArch(
        stages=[
            dict(channels=64, pool=halve),
            dict(channels=128, pool=halve),
            dict(channels=256, num_blocks=2, pool=halve),
            dict(channels=512, num_blocks=2, pool=halve),
            dict(channels=4096, kernel_size=(6, 4), padding=0),
            dict(channels=4096, kernel_size=1),
            dict(channels=128, kernel_size=1),
        ],
        norm_cfg=None,
        min_frames=96,
    )


def _mel_lite() -> MelArch:
    """Our own small network for log-mel: four strided convolutions.

    Of five networks with equal multiply-adds this one was the most accurate
    (docs/backbones.md). One time step per 8 frames.
    """
    return MelArch(
        stages=[
            dict(channels=28, kernel_size=5, stride=2),
            dict(channels=56, stride=2),
            dict(channels=84, stride=(1, 2)),
            dict(channels=128, stride=2),
        ],
        norm_cfg=dict(type="BN2d"),
    )


AUDIO_ARCHS: Mapping[str, Arch] = MappingProxyType(
    {"res1dnet31": _res1dnet31(), "soundnet8": _soundnet8()}
)
MEL_ARCHS: Mapping[str, MelArch] = MappingProxyType(
    {"cnn14": _cnn14(), "vggish": _vggish(), "mel_lite": _mel_lite()}
)
