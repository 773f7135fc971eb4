"""Film steps as the features and the annotation that MMAction2's localizers read.

Format: ``ActivityNetDataset``, ``LoadLocalizationFeature`` and
``GenerateLocalizationLabels`` of MMAction2 1.2.0.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..disk import own_file
from .film_steps import FilmSteps

# MMAction2 rounds a video's frames down to a multiple of this before it turns shares of
# the video into seconds (feature_extraction_interval): with 16 frames a row nothing is
# lost.
ROW_FRAMES = 16
# Its metrics cut the first two characters off every name.
NAME = "v_{}"


def feature_rows(steps: FilmSteps, rows: int) -> np.ndarray:
    """The streams side by side, averaged over equal parts of the video.

    Args:
        steps: Of a video.
        rows: Parts of the time from 0 to the end of the video. One that no step touches
            gets the first or the last step.

    Returns:
        Float32 ``(rows, sum of D_m)``; zeros where a modality is absent.
    """
    x = np.concatenate([np.asarray(one) for one in steps.feats.values()], axis=1)
    edges = steps.start + steps.step * np.arange(steps.count + 1)
    edges[0], edges[-1] = min(edges[0], 0.0), max(edges[-1], steps.end)
    wanted = np.linspace(0, steps.end, rows + 1)
    begin, end = wanted[:-1, None], wanted[1:, None]
    overlap = np.minimum(end, edges[1:]) - np.maximum(begin, edges[:-1])
    shares = overlap.clip(min=0) / (end - begin)  # (rows, T)
    return (shares @ x).astype(np.float32)


def write_features(path: str | os.PathLike, steps: FilmSteps, rows: int) -> None:
    """Writes a CSV file with a header row, a column per channel of a stream.

    Raises:
        ForeignFile: There is another file of that name.
    """
    columns = [
        f"{name}_{channel}"
        for name, x in steps.feats.items()
        for channel in range(x.shape[1])
    ]
    with own_file(path) as part:
        np.savetxt(
            part,
            feature_rows(steps, rows),
            fmt="%.6g",
            delimiter=",",
            header=",".join(columns),
            comments="",
        )


def annotation_of(
    steps: FilmSteps,
    rows: int,
    segments: Sequence[Sequence[float]],
    labels: Sequence[str],
    proposals: Sequence[Mapping] = (),
) -> dict:
    """The entry of a video in the annotation.

    Args:
        steps: Of the video.
        rows: As of :func:`write_features`.
        segments: Begin and end of each event in seconds.
        labels: Name of each event's class.
        proposals: ``segment`` and ``score`` of each, as MMAction2's BMN writes them;
            TCANet refines them.
    """
    frames = rows * ROW_FRAMES
    entry = dict(
        duration_second=steps.end,
        duration_frame=frames,
        annotations=[
            dict(segment=[float(begin), float(end)], label=label)
            for (begin, end), label in zip(segments, labels)
        ],
        feature_frame=frames,
        fps=frames / steps.end,
        rfps=frames / steps.end,
    )
    if proposals:
        entry["proposals"] = [
            [*(float(time) / steps.end for time in one["segment"]), one["score"]]
            for one in proposals
        ]
    return entry


def write_annotation(path: str | os.PathLike, entries: Mapping[str, Mapping]) -> None:
    """Writes the annotation of some videos, by name.

    Raises:
        ForeignFile: There is another file of that name.
    """
    with own_file(path) as part:
        part.write_text(json.dumps(entries, indent=1) + "\n")


def read_proposals(paths: Sequence[str | os.PathLike]) -> dict[str, list]:
    """Proposals by video from result files of MMAction2.

    Raises:
        ValueError: A file is none of results; names it.
    """
    found: dict[str, list] = {}
    for path in paths:
        try:
            results = json.loads(Path(path).read_bytes())["results"]
            found.update(
                {NAME.format(name): list(one) for name, one in results.items()}
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{path}: expected a result file of MMAction2's BMN, with 'results' of "
                f"'segment' and 'score' by video ({error})"
            ) from error
    return found
