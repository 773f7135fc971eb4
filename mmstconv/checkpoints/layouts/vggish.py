"""VGGish (Hershey 2017), Google's weights as torchvggish has them."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ..layout import Layout

_PLACES = {
    "features.0": (0, 0),
    "features.3": (1, 0),
    "features.6": (2, 0),
    "features.8": (2, 1),
    "features.11": (3, 0),
    "features.13": (3, 1),
    "embeddings.0": (4, 0),
    "embeddings.2": (5, 0),
    "embeddings.4": (6, 0),
}
_FIRST_EMBEDDING = "backbone.stages.4.blocks.0.conv.weight"
_EMBEDDINGS = tuple(f"backbone.stages.{s}.blocks.0.conv.weight" for s in (5, 6))


def _recognise(weights: Mapping[str, Tensor]) -> bool:
    keys = {f"{layer}.weight" for layer in _PLACES}
    return keys <= set(weights) and weights["features.0.weight"].dim() == 4


def _rename(key: str) -> str | None:
    layer, _, kind = key.rpartition(".")
    if layer not in _PLACES or kind not in ("weight", "bias"):
        return None
    stage, block = _PLACES[layer]
    return f"backbone.stages.{stage}.blocks.{block}.conv.{kind}"


def _reshape(key: str, value: Tensor) -> Tensor:
    """The first embedding layer reads 6 time steps, 4 bands and 512 channels, in
    this order."""
    if key == _FIRST_EMBEDDING and value.dim() == 2 and value.shape[1] == 6 * 4 * 512:
        return value.reshape(-1, 6, 4, 512).permute(0, 3, 1, 2).contiguous()
    if key in _EMBEDDINGS and value.dim() == 2:
        return value[:, :, None, None]
    return value


def _preprocessing(weights: Mapping[str, Tensor]) -> dict:
    return dict(
        modality="audio",
        features="log-mel",
        sample_rate=16000,
        n_mels=64,
        n_fft=512,
        win_length=400,
        hop_length=160,
        f_min=125.0,
        f_max=7500.0,
        center=False,
        power=1,
        filters="htk",
        decibels=False,
        eps=0.01,
        mean=[0.0],
        std=[1.0],
    )


LAYOUTS: tuple[Layout, ...] = (
    Layout(
        name="torchvggish",
        source="https://github.com/harritaylor/torchvggish",
        recognise=_recognise,
        backbone=lambda weights: dict(type="MelConvNet", arch="vggish"),
        rename=_rename,
        preprocessing=_preprocessing,
        reshape=_reshape,
        notes=(
            "The embedding layers become convolutions, which need 96 frames (15600 "
            "samples) and give one time step for every 16 frames. The PCA and the "
            "quantisation of the released AudioSet embeddings are not part of it."
        ),
    ),
)
