"""Features by published weights, a file for each modality, without a config."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from mmaction.registry import MODELS
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from ...checkpoints.adapt import inflate
from ...checkpoints.comparing import are_flat
from ...checkpoints.doctor import convert_checkpoint
from ...checkpoints.filling import fill
from ...checkpoints.packages import is_packaged, read_packaged
from ...checkpoints.reading import CheckpointError, read_checkpoint
from ...modalities import in_order
from .streams_alone import recognizer_of

FPS = 25.0  # of Kinetics' videos, as the sources sampled them
CLIP = (32, 224, 224)  # frames, height, width, where the source does not say
LARGER = 8 / 7  # a frame's short side by what is cut out of it
OF_LOG_MEL = (
    *("n_mels", "n_fft", "hop_length", "f_min", "f_max", "eps", "win_length"),
    *("center", "pad_mode", "power", "filters", "decibels"),
)


def published_model(
    files: Sequence[str | os.PathLike],
    fps: float | None = None,
    *,
    trust: bool = False,
) -> nn.Module:
    """A recognizer of streams with published weights, which say what they read.

    Args:
        files: Published files that the doctor knows, converted ones, or
            ``package::efficientnet_lite0``; one for each modality.
        fps: Frames per second that the networks see; 25 if None.
        trust: Open a file that holds Python objects; only for files of your own.

    Raises:
        FileNotFoundError: There is no such file.
        CheckpointError: A file is no checkpoint, or of a layout that nobody here knows.
        ValueError: Two files are of one modality, or of frames of different sizes.
    """
    found: dict[str, Mapping] = {}
    for file in files:
        content = _content(file, trust)
        modality = _meta(content)["preprocessing"].get("modality")
        if modality is None:
            raise CheckpointError(
                f"{file}: its source does not say what it reads: write a config for it "
                "(docs/backbones.md)"
            )
        if modality in found:
            raise ValueError(
                f"{file}: these are weights for {modality}, and so are those of "
                "another file: give one file for each modality"
            )
        found[modality] = content
    found = {name: found[name] for name in in_order(found)}
    settings = {name: _meta(one)["preprocessing"] for name, one in found.items()}
    streams = {name: _stream(one) for name, one in found.items()}
    preprocessors = {name: _preprocessor(one) for name, one in settings.items()}
    pipeline = _pipeline(settings, fps or FPS)
    return recognizer_of(streams, pipeline, preprocessors=preprocessors)


def _content(file: str | os.PathLike, trust: bool) -> Mapping:
    """What a converted file holds."""
    if is_packaged(file):
        return read_packaged(str(file))
    try:
        content = read_checkpoint(file, trust=trust)
    except CheckpointError:
        content = {}  # of another framework, perhaps: the doctor opens those, too
    if isinstance(content.get("meta"), Mapping) and "mmstconv" in content["meta"]:
        return content
    return convert_checkpoint(file, trust=trust).content()


def _meta(content: Mapping) -> Mapping:
    return content["meta"]["mmstconv"]


def _stream(content: Mapping) -> nn.Module:
    with DefaultScope.overwrite_default_scope("mmaction"):
        backbone = dict(_meta(content)["backbone"])
        stream = MODELS.build(dict(type="ConvStream", backbone=backbone))
    own = stream.state_dict()
    weights = {
        key: _fitted(value, own.get(key))
        for key, value in content["state_dict"].items()
        if not key.startswith("cls_head.")
    }
    fill(stream, weights, complete=True)
    return stream


def _fitted(value: Tensor, own: Tensor | None) -> Tensor:
    """A kernel of an image network over time, as it is converted to go over time."""
    if own is None or not are_flat(value.shape, own.shape):
        return value
    return inflate(value, own.shape[2])


def _preprocessor(settings: Mapping) -> dict:
    cfg = dict(type="ActionDataPreprocessor")
    if "mean" in settings:
        cfg.update(mean=settings["mean"], std=settings["std"])
    if settings["modality"] != "audio":
        cfg["format_shape"] = "NCTHW"
    return dict(cfg, to_rgb=settings.get("channel_order") == "BGR")


def _pipeline(settings: Mapping[str, Mapping], fps: float) -> list[dict]:
    """Clips as the sources made them.

    Raises:
        ValueError: Frames for two networks would have different sizes.
    """
    clips = {
        name: tuple(one.get("clip", CLIP))
        for name, one in settings.items()
        if name != "audio"
    }
    sizes = {clip[1:] for clip in clips.values()}
    if len(sizes) > 1:
        raise ValueError(
            "weights for frames of different sizes cannot be read together: "
            + ", ".join(f"{name} {clip[1:]}" for name, clip in clips.items())
        )
    frames = max((clip[0] for clip in clips.values()), default=CLIP[0])
    names, steps = list(settings), [dict(type="OpenMedia")]
    steps.append(dict(type="SampleClips", clip_len=frames, fps=fps, test_mode=True))
    if clips:
        ((height, width),) = sizes
        side = round(min(height, width) * LARGER)
        steps += [
            dict(type="LoadFrames", short_side=side),
            dict(type="CenterCrop", crop_size=min(height, width)),
        ]
    if "flow" in settings:
        bound = settings["flow"].get("bound", 20.0)
        steps.append(dict(type="ComputeFlow", bound=bound))
    if "audio" in settings:
        steps += _sound(settings["audio"])
    return [
        *steps,
        dict(type="FormatClips", modalities=names),
        dict(
            type="PackActionInputs",
            collect_keys=names,
            meta_keys=["filename", "presence"],
        ),
    ]


def _sound(settings: Mapping) -> list[dict]:
    loaded = dict(type="LoadWaveform", sample_rate=settings.get("sample_rate", 16000))
    if settings.get("features") != "log-mel":
        return [loaded, dict(type="RawAudio")]
    given = {name: settings[name] for name in OF_LOG_MEL if name in settings}
    return [loaded, dict(type="LogMel", **given)]
