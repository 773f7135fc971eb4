"""A batch in words, for messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

FRAMES = "(N, M, C, T, H, W)"


def filenames(batch: object) -> list[str]:
    """The files that a batch of the data loader was read from."""
    samples = batch.get("data_samples") or [] if isinstance(batch, Mapping) else []
    return [str(sample.get("filename", "unknown file")) for sample in samples]


def shapes(batch: object) -> dict[str, str]:
    """``{modality: shape with its axes}``; all shapes where the samples differ."""
    found = {}
    for name, clips in _modalities(batch):
        sizes = {tuple(clip.shape) for clip in clips}
        if len(sizes) == 1:
            (size,) = sizes
            axes = FRAMES if len(size) == 5 else "(N, M, ...)"
            found[name] = f"{axes} = {(len(clips), *size)}"
        else:
            found[name] = f"N = {len(clips)}, of shapes {sorted(sizes)}"
    return found


def not_finite(batch: object) -> list[str]:
    """``modality of file`` wherever an input is NaN or infinite."""
    names = filenames(batch)
    return [
        f"{modality} of {name}"
        for modality, clips in _modalities(batch)
        for name, clip in zip(names, clips)
        if clip.is_floating_point() and not torch.isfinite(clip).all()
    ]


def _modalities(batch: object) -> Iterator[tuple[str, list[Tensor]]]:
    """Each modality's clips, one tensor ``(M, ...)`` a sample."""
    inputs = batch.get("inputs") if isinstance(batch, Mapping) else None
    if not isinstance(inputs, Mapping):
        inputs = {"inputs": inputs or []}
    for name, clips in inputs.items():
        yield name, list(clips)
