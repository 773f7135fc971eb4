"""MMAction2's own recognizers as a stream: the backbone's features of each window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from mmaction.registry import MODELS, TRANSFORMS
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from ...checkpoints.filling import fill
from ...checkpoints.reading import CheckpointError
from ...datasets.transforms.roles import role_of, size_after
from ...models.layers import align_steps, pool_space
from ...models.streams import ConvStream
from .streams_alone import recognizer_of

KINDS = ("Recognizer3D", "Recognizer2D")
RATE = 30.0  # frames per second that frame_interval counts: Kinetics' videos
SPARSE_RATE = 2.0  # of networks that see frames from all over a file
SEGMENTS = 8  # of networks that do not say how many
BACKBONE = "backbone."


class StockNetwork(nn.Module):
    """The backbone of an MMAction2 recognizer, as a network of ours.

    What it gives is made one sequence, as its own head would read it: maps are averaged
    over space; of several maps (SlowFast) the channels are joined; of maps and a class
    token (MViT) the token is taken.

    Args:
        recognizer: A ``Recognizer2D`` or ``Recognizer3D``; neck and head do not run.
        flat: Whether it takes each frame by itself, ``(N, T, C, H, W)``.

    Shape:
        - Input: ``(N, 3, T, H, W)``.
        - Output: ``(N, D, T')``.
    """

    def __init__(self, recognizer: nn.Module, flat: bool) -> None:
        super().__init__()
        self.recognizer = recognizer
        self.flat = flat

    def forward(self, x: Tensor) -> Tensor:
        rows, frames = len(x), x.shape[2]
        inputs = x.transpose(1, 2) if self.flat else x[:, None]
        found, _ = self.recognizer.extract_feat(inputs.contiguous(), stage="backbone")
        if self.flat:
            feats = [one.flatten(2).mean(2) for one in _maps(found)]  # (N * T, D)
            steps = torch.cat(feats, 1).unflatten(0, (rows, frames))  # (N, T, D)
        else:
            steps = sequence_of(found)
        return steps.transpose(1, 2)


def sequence_of(found: object) -> Tensor:
    """What a backbone gives of clips as one sequence, ``(N, T', D)``."""
    maps = _maps(found)
    tokens = [one for one in maps if one.dim() == 2]
    if tokens:
        return tokens[-1][:, None]
    maps = [pool_space(one) for one in maps]
    steps = min(one.shape[1] for one in maps)
    return torch.cat([align_steps(one, steps) for one in maps], dim=2)


def _maps(found: object) -> list[Tensor]:
    """All tensors, however they are nested."""
    if isinstance(found, Tensor):
        return [found]
    return [one for part in found for one in _maps(part)]


def is_stock(cfg: Mapping) -> bool:
    """Whether a config is of a recognizer of MMAction2 that is known here."""
    return cfg.get("model", {}).get("type") in KINDS


@torch.no_grad()
def stock_model(
    cfg: Mapping, weights: Mapping[str, Tensor], where: str, fps: float | None = None
) -> nn.Module:
    """A recognizer of ours whose RGB stream is the backbone of a stock one.

    Args:
        cfg: Of MMAction2.
        weights: Of its checkpoint.
        where: The checkpoint, for messages.
        fps: Frames per second that the network sees. None: 30 by the config's
            ``frame_interval``; of networks that see frames from all over a file, 2.

    Raises:
        CheckpointError: The weights are not those of the backbone.
        ValueError: The config reads something else than frames of videos.
    """
    model = dict(cfg["model"])
    kept = ("type", "backbone", "data_preprocessor")
    model = {name: model[name] for name in kept if name in model}
    model["backbone"] = {
        key: None if key == "pretrained" else value
        for key, value in dict(model["backbone"]).items()
    }
    flat = model["type"] == "Recognizer2D"
    pipeline, frames, size = _pipeline(cfg, flat, fps)
    with DefaultScope.overwrite_default_scope("mmaction"):
        recognizer = MODELS.build(model).eval()
    own = {k: v for k, v in weights.items() if k.startswith(BACKBONE)}
    try:
        remarks = fill(recognizer, own, complete=True, but=("data_preprocessor",))
    except ValueError as error:
        raise CheckpointError(f"{where}: {error}") from error
    if remarks:
        raise CheckpointError(f"{where}: {remarks[0]}")
    network = StockNetwork(recognizer, flat).eval()
    network.out_channels = network(torch.zeros(1, 3, frames, *size)).shape[1]
    prepare = dict(
        model.get("data_preprocessor") or dict(type="ActionDataPreprocessor")
    )
    prepare.update(format_shape="NCTHW", blending=None)
    return recognizer_of(
        dict(rgb=ConvStream(network)), pipeline, preprocessors=dict(rgb=prepare)
    )


def _pipeline(
    cfg: Mapping, flat: bool, fps: float | None
) -> tuple[list[dict], int, tuple[int, int]]:
    """Our pipeline with the config's own changes of frames; frames and their size."""
    source = cfg.get("val_pipeline") or cfg.get("test_pipeline") or ()
    source = [dict(step) for step in source]
    sampler = next((s for s in source if "Sample" in s["type"]), None)
    loader = cfg.get("test_dataloader") or {}
    if sampler is None or (loader.get("dataset") or {}).get("modality") == "Flow":
        raise ValueError(
            "features need a config that reads frames of RGB, with a val_pipeline or "
            "test_pipeline that samples them; for flow take a config of ours "
            "(streams.flow)"
        )
    frames, own_fps = _frames_of(sampler, cfg, flat)
    steps = []
    for step in source[source.index(sampler) + 1 :]:
        kind = step["type"]
        loads = kind.endswith("Decode") or kind.startswith(("Format", "Pack"))
        if not loads and not _draws(kind):
            steps.append(step)
    names = ["rgb"]
    pipeline = [
        dict(type="OpenMedia"),
        dict(type="SampleClips", clip_len=frames, fps=fps or own_fps, test_mode=True),
        dict(type="LoadFrames"),
        *steps,
        dict(type="FormatClips", modalities=names),
        dict(
            type="PackActionInputs",
            collect_keys=names,
            meta_keys=["filename", "presence"],
        ),
    ]
    return pipeline, frames, _size(steps)


def _draws(kind: str) -> bool:
    """Whether a transform draws at random, as TPN's own test pipeline does."""
    with DefaultScope.overwrite_default_scope("mmaction"):
        return role_of(TRANSFORMS.get(kind)).at_random


def _frames_of(sampler: Mapping, cfg: Mapping, flat: bool) -> tuple[int, float]:
    """Frames of a window, and how many there are in a second."""
    length = sampler.get("clip_len", 1)
    if flat and length == 1:
        backbone = cfg["model"]["backbone"]
        length = backbone.get("num_segments") or SEGMENTS
        if "sample_range" in sampler or "Dense" in sampler["type"]:
            return length, RATE * length / sampler.get("sample_range", 64)
        return length, SPARSE_RATE
    if "Uniform" in sampler["type"]:
        return length, SPARSE_RATE
    return length, RATE / sampler.get("frame_interval", 1)


def _size(steps: Sequence[Mapping]) -> tuple[int, int]:
    """Of the frames that come out, height and width; 224 where no step fixes it."""
    size = (224, 224)
    with DefaultScope.overwrite_default_scope("mmaction"):
        for step in steps:
            size = size_after(TRANSFORMS.build(dict(step))) or size
    return size
