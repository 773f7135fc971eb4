"""C3D of Tran 2015 as PyTorch projects have it, fully connected layers included."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from ..layout import Layout

_CLIP = [16, 112, 112]
_NAMED = {
    "conv1": (0, 0),
    "conv2": (1, 0),
    "conv3a": (2, 0),
    "conv3b": (2, 1),
    "conv4a": (3, 0),
    "conv4b": (3, 1),
    "conv5a": (4, 0),
    "conv5b": (4, 1),
    "fc6": (5, 0),
    "fc7": (6, 0),
}
_NUMBERS = (0, 3, 6, 8, 11, 13, 16, 18)
_NUMBERED = dict(
    zip(
        [*(f"features.{n}" for n in _NUMBERS), "classifier.0", "classifier.3"],
        _NAMED.values(),
    )
)
_FC6 = "backbone.stages.5.blocks.0.conv.weight"
_FC7 = "backbone.stages.6.blocks.0.conv.weight"


def _renamer(places: Mapping[str, tuple[int, int]]) -> Callable[[str], str | None]:
    def rename(key: str) -> str | None:
        layer, _, kind = key.rpartition(".")
        if kind not in ("weight", "bias"):
            return None
        if layer == "fc8":
            return f"cls_head.fc_cls.{kind}"
        if layer not in places:
            return None
        stage, block = places[layer]
        return f"backbone.stages.{stage}.blocks.{block}.conv.{kind}"

    return rename


def _reshape(key: str, value: Tensor) -> Tensor:
    """fc6 reads channels, 1 time step, 4 rows and 4 columns, in this order."""
    if key == _FC6 and value.dim() == 2 and value.shape[1] == 512 * 4 * 4:
        return value.reshape(-1, 512, 1, 4, 4)
    if key == _FC7 and value.dim() == 2:
        return value[:, :, None, None, None]
    return value


def _is_video(weights: Mapping[str, Tensor], places: Mapping, stem: str) -> bool:
    keys = {f"{layer}.weight" for layer in places}
    return keys <= set(weights) and weights[stem].dim() == 5


def _is_named(weights: Mapping[str, Tensor]) -> bool:
    return _is_video(weights, _NAMED, "conv1.weight")


def _is_sports1m(weights: Mapping[str, Tensor]) -> bool:
    fc8 = weights.get("fc8.weight")
    return _is_named(weights) and fc8 is not None and fc8.shape[0] == 487


def _backbone(weights: Mapping[str, Tensor]) -> dict:
    return dict(type="STConvNet", arch="c3d")


def _rgb(mean: list[float], order: str) -> Callable[[Mapping[str, Tensor]], dict]:
    def preprocessing(weights: Mapping[str, Tensor]) -> dict:
        return dict(
            modality="rgb",
            mean=list(mean),
            std=[1.0] * 3,
            channel_order=order,
            clip=list(_CLIP),
        )

    return preprocessing


_SLIDES = (
    "fc6 and fc7 become convolutions, which need frames of 112 x 112 and give one time "
    "step for every 16 frames."
)

LAYOUTS: tuple[Layout, ...] = (
    Layout(
        name="c3d-pytorch",
        source="https://github.com/DavideA/c3d-pytorch",
        recognise=_is_sports1m,
        backbone=_backbone,
        rename=_renamer(_NAMED),
        preprocessing=_rgb([0.0, 0.0, 0.0], "RGB"),
        reshape=_reshape,
        notes=(
            "Sports-1M. Its own script feeds RGB in 0..255 without subtracting a mean, "
            f"and its author leaves open whether one should be. {_SLIDES}"
        ),
    ),
    Layout(
        name="pytorch-video-recognition",
        source="https://github.com/jfzhang95/pytorch-video-recognition",
        recognise=_is_named,
        backbone=_backbone,
        rename=_renamer(_NAMED),
        preprocessing=_rgb([90.0, 98.0, 102.0], "BGR"),
        reshape=_reshape,
        notes=f"C3D as trained there. {_SLIDES}",
    ),
    Layout(
        name="ucf101-caffe",
        source="https://github.com/jfzhang95/pytorch-video-recognition",
        recognise=lambda weights: _is_video(weights, _NUMBERED, "features.0.weight"),
        backbone=_backbone,
        rename=_renamer(_NUMBERED),
        preprocessing=_rgb([90.0, 98.0, 102.0], "BGR"),
        reshape=_reshape,
        notes=f"Has no classifier for us: the project does not load one. {_SLIDES}",
    ),
)
