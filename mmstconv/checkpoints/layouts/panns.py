"""PANNs (Kong 2020): Cnn14 on log-mel and Res1dNet31 on the waveform."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from ..layout import Layout

_SOURCE = "https://github.com/qiuqiangkong/audioset_tagging_cnn"
_NORM = r"(weight|bias|running_mean|running_var|num_batches_tracked)"
_BAND_NORM = re.compile(rf"bn0\.{_NORM}")
_CNN_LAYER = re.compile(rf"conv_block([1-6])\.(conv|bn)([12])\.{_NORM}")
_WAVE_STEM = re.compile(rf"(conv|bn)0\.{_NORM}")
_WAVE_LAYER = re.compile(rf"resnet\.layer(\d)\.(\d)\.(conv|bn)([12])\.{_NORM}")
_WAVE_SHORTCUT = re.compile(rf"resnet\.layer(\d)\.0\.downsample\.([12])\.{_NORM}")
# Released variants of Cnn14 by the length of their window: rate, hop, highest Hz.
_FRONT_ENDS = {
    1024: (32000, 320, 14000.0),
    512: (16000, 160, 8000.0),
    256: (8000, 80, 4000.0),
}
_WINDOW = "spectrogram_extractor.stft.conv_real.weight"


def _is_cnn14(weights: Mapping[str, Tensor]) -> bool:
    """Wavegram networks, which have the same blocks, begin with ``pre_conv0``."""
    keys = {"bn0.weight", "conv_block1.conv1.weight", "conv_block6.conv2.weight"}
    return keys <= set(weights) and not any(key.startswith("pre_") for key in weights)


def _cnn14_backbone(weights: Mapping[str, Tensor]) -> dict:
    return dict(type="MelConvNet", arch="cnn14", n_mels=len(weights["bn0.weight"]))


def _cnn14_rename(key: str) -> str | None:
    if match := _BAND_NORM.fullmatch(key):
        return f"backbone.band_norm.{match[1]}"
    if match := _CNN_LAYER.fullmatch(key):
        block, kind, layer, name = match.groups()
        place = f"stages.{int(block) - 1}.blocks.{int(layer) - 1}"
        return f"backbone.{place}.{kind}.{name}"
    return None


def _cnn14_preprocessing(weights: Mapping[str, Tensor]) -> dict:
    window = weights.get(_WINDOW)
    n_fft = 1024 if window is None else window.shape[-1]
    settings = dict(
        modality="audio",
        features="log-mel",
        n_mels=len(weights["bn0.weight"]),
        n_fft=n_fft,
        win_length=n_fft,
        center=True,
        pad_mode="reflect",
        power=2,
        filters="librosa",
        decibels=True,
        eps=1e-10,
        mean=[0.0],
        std=[1.0],
    )
    if n_fft in _FRONT_ENDS:
        rate, hop, f_max = _FRONT_ENDS[n_fft]
        settings.update(sample_rate=rate, hop_length=hop, f_min=50.0, f_max=f_max)
    return settings


def _is_res1dnet31(weights: Mapping[str, Tensor]) -> bool:
    """Res1dNet51 has more blocks in layers 2 to 6."""
    keys = {"conv0.weight", "bn0.weight", "resnet.layer7.1.conv2.weight"}
    return keys <= set(weights) and "resnet.layer2.2.conv1.weight" not in weights


def _res1dnet31_rename(key: str) -> str | None:
    if match := _WAVE_STEM.fullmatch(key):
        return f"backbone.stages.0.blocks.0.{match[1]}.{match[2]}"
    if match := _WAVE_LAYER.fullmatch(key):
        stage, block, kind, layer, name = match.groups()
        return f"backbone.stages.{stage}.blocks.{block}.conv{layer}.{kind}.{name}"
    if match := _WAVE_SHORTCUT.fullmatch(key):
        stage, layer, name = match.groups()  # 0 is the pooling
        kind = "conv" if layer == "1" else "bn"
        return f"backbone.stages.{stage}.blocks.0.downsample.{kind}.{name}"
    return None


_HEAD = (
    "fc1 and fc_audioset find no place: they read maximum plus mean over time, and a "
    "head of one layer has nothing for the first of them."
)

LAYOUTS: tuple[Layout, ...] = (
    Layout(
        name="panns-cnn14",
        source=_SOURCE,
        recognise=_is_cnn14,
        backbone=_cnn14_backbone,
        rename=_cnn14_rename,
        preprocessing=_cnn14_preprocessing,
        notes=(
            "The variants for 32, 16 and 8 kHz are told apart by the window in the "
            f"file; without it, 32 kHz is taken. {_HEAD} Nor does the spectrogram, "
            "which LogMel computes."
        ),
    ),
    Layout(
        name="panns-res1dnet31",
        source=_SOURCE,
        recognise=_is_res1dnet31,
        backbone=lambda weights: dict(type="AudioConvNet", arch="res1dnet31"),
        rename=_res1dnet31_rename,
        preprocessing=lambda weights: dict(
            modality="audio",
            features="waveform",
            sample_rate=32000,
            mean=[0.0],
            std=[1.0],
        ),
        notes=_HEAD,
    ),
)
