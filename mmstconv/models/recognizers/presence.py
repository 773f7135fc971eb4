"""What a batch really holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

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
    if len({shape[:2] for shape in shapes.values()}) > 1:
        raise ValueError(
            "inputs: all modalities must have the same number of samples and of "
            f"clips (N, M), got shapes {shapes}"
        )
    samples, clips = next(iter(shapes.values()))[:2]
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
) -> dict[str, list[bool]]:
    """Whether each of the N * M clips has each modality.

    Reads ``presence`` of each data sample's metainfo; what it does not name is
    present.
    """
    if data_samples is None:
        return {name: [True] * (samples * clips) for name in modalities}
    given = [sample.get("presence", None) or {} for sample in data_samples]
    return {
        name: [bool(one.get(name, True)) for one in given for _ in range(clips)]
        for name in modalities
    }
