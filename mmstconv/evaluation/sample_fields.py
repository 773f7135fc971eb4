"""What metrics read of data samples, whatever the task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch


def name_of(sample: Mapping) -> str:
    """Of its file, for reports and messages."""
    return str(sample.get("filename", "a data sample"))


def required(sample: Mapping, field: str, whose: str, advice: str) -> object:
    """The value of a field.

    Args:
        sample: A data sample.
        field: Of it.
        whose: Name of the metric, for the message.
        advice: What to do where it is missing.

    Raises:
        ValueError: It is None or not there.
    """
    value = sample.get(field)
    if value is None:
        raise ValueError(f"{whose}: {name_of(sample)} has no {field}: {advice}")
    return value


def as_numbers(values: object) -> np.ndarray:
    """A tensor, an array or a list as float64 on the host."""
    values = np.asarray(values) if isinstance(values, (list, tuple)) else values
    return torch.as_tensor(values).detach().cpu().double().numpy()


def names_of_subsets(
    results: Sequence[Mapping], whose: str, field: str
) -> tuple[str, ...]:
    """Of all samples.

    Args:
        results: Of each sample ``name`` and ``subsets``.
        whose: Name of the metric, for the message.
        field: Of the data samples, for the message.

    Raises:
        ValueError: They have not the same.
    """
    first = results[0]
    for one in results:
        if set(one["subsets"]) != set(first["subsets"]):
            raise ValueError(
                f"{whose}: {one['name']} has other {field} than {first['name']}, "
                f"{sorted(one['subsets'])} and {sorted(first['subsets'])}: expected "
                "the same subsets of every sample"
            )
    return tuple(first["subsets"])


def names_of_videos(results: Sequence[Mapping]) -> list[str]:
    """What files of results call each sample's video.

    A video is known by the ``video_id`` of its data sample, else by the name of its
    file without the ending; where two files share that, by their whole paths.

    Args:
        results: Of each sample ``name`` and ``video``, which may be empty.
    """
    own = [one["video"] or Path(one["name"]).stem for one in results]
    files = {(video, one["name"]) for video, one in zip(own, results)}
    counts = Counter(video for video, _ in files)
    return [
        one["name"] if counts[video] > 1 else video for video, one in zip(own, results)
    ]
