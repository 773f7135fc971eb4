"""Checks of a batch, and what its data samples say of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor


def check_inputs(
    inputs: Mapping[str, Tensor],
    modalities: Iterable[str],
    data_samples: Sequence | None = None,
) -> tuple[int, int]:
    """Number of samples N and of clips M that all modalities agree in.

    Raises:
        TypeError: ``inputs`` is not a mapping.
        ValueError: A stream has no input, an input has no ``(N, M, C, ...)`` axes,
            or the inputs and the data samples disagree.
    """
    if not isinstance(inputs, Mapping):
        raise TypeError(
            f"inputs: expected a dict of modalities, got {type(inputs).__name__}"
        )
    shapes = {}
    for name in modalities:
        if name not in inputs:
            raise ValueError(
                f"stream {name!r} has no input; inputs has {sorted(inputs)}"
            )
        shapes[name] = tuple(inputs[name].shape)
        if len(shapes[name]) < 4:
            raise ValueError(
                f"inputs[{name!r}]: expected (N, M, C, ...) with N samples of M "
                f"clips, got shape {shapes[name]}"
            )
    first = next(iter(shapes.values()))[:2]
    if any(shape[:2] != first for shape in shapes.values()):
        raise ValueError(
            "inputs: all modalities must have the same number of samples and of "
            f"clips (N, M), got shapes {shapes}"
        )
    samples, clips = first
    if data_samples is not None and len(data_samples) != samples:
        raise ValueError(
            f"inputs has {samples} samples, but there are {len(data_samples)} "
            "data_samples"
        )
    return samples, clips


def read_presence(
    data_samples: Sequence | None,
    modalities: Iterable[str],
    samples: int,
    clips: int,
) -> dict[str, Tensor]:
    """Whether each of the N * M clips has each modality, ``(N * M,)`` on the host.

    Reads ``presence`` of each data sample's metainfo; what it does not name is
    present.
    """
    if data_samples is None:
        return {
            name: torch.ones(samples * clips, dtype=torch.bool) for name in modalities
        }
    given = [sample.get("presence", None) or {} for sample in data_samples]
    return {
        name: torch.tensor([bool(one.get(name, True)) for one in given])
        .to(torch.bool)
        .repeat_interleave(clips)
        for name in modalities
    }


def read_windows(data_samples: Sequence | None, clips: int) -> Tensor | None:
    """Begin and end of each of the N * M clips in seconds, ``(N * M, 2)``.

    Reads ``clip_starts`` and ``clip_duration`` of each data sample's metainfo, as
    ``SampleClips`` writes them; the crops of a clip share its times, crops outermost.
    None if a sample does not say.
    """
    windows = []
    for sample in data_samples or ():
        starts, seconds = sample.get("clip_starts"), sample.get("clip_duration")
        if starts is None or seconds is None or clips % len(starts):
            return None
        starts = torch.as_tensor(starts, dtype=torch.float64).repeat(
            clips // len(starts)
        )
        windows.append(torch.stack([starts, starts + seconds], dim=1))  # (M, 2)
    return torch.cat(windows) if windows else None
