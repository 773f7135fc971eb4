"""A cache of film steps, written once more for MMAction2's localizers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from ..datasets import FilmCache
from ..datasets.mmaction2_features import (
    NAME,
    annotation_of,
    read_proposals,
    write_annotation,
    write_features,
)
from ..engine.configured_films import data_sets_of

FEATURES = "csv"


def write_mmaction2_csv(
    cfg: Mapping,
    cache: FilmCache,
    folder: str | os.PathLike,
    rows: int = 100,
    *,
    proposals: Sequence[str | os.PathLike] = (),
    warn: Callable[[str], None] = lambda text: None,
) -> None:
    """Features and annotation of a config's videos, for BMN and TCANet.

    ``folder`` gets ``csv/v_NAME.csv`` for each video, and ``train.json``, ``val.json``
    and ``test.json`` of those videos that have events: MMAction2's localizers cannot
    train on others.

    Args:
        cfg: Its data sets give ``filename`` and ``gt_instances`` with segments.
        cache: The videos' steps.
        folder: Made if it is not there.
        rows: Of each video.
        proposals: Result files of BMN, whose proposals TCANet refines.
        warn: Told which videos are left out.

    Raises:
        ValueError: A data set knows no segments, two videos have one name, or a file is
            none of proposals.
        ForeignFile: A file is in the way that was not written here.
        FilmStepsError: The cache is stale.
    """
    folder = Path(folder)
    (folder / FEATURES).mkdir(parents=True, exist_ok=True)
    proposed = read_proposals(proposals)
    films: dict[str, str] = {}
    for split, data_sets in data_sets_of(cfg).items():
        entries = {}
        for name, info, classes in _samples(data_sets):
            film = info["filename"]
            if films.setdefault(name, film) != film:
                raise ValueError(
                    f"{films[name]} and {film} would both be {name}: MMAction2 tells "
                    "videos by their names alone"
                )
            if cache.why_unusable(film) is not None:
                continue
            steps = cache.load(film)
            path = folder / FEATURES / f"{name}.csv"
            if _is_older(path, cache.path_of(film)):
                write_features(path, steps, rows)
            events = info["gt_instances"]
            if not len(events.labels):
                warn(f"{film} has no events: it is left out of {split}.json")
                continue
            entries[name] = annotation_of(
                steps,
                rows,
                events.segments.tolist(),
                [classes[label] for label in events.labels.tolist()],
                proposed.get(name, ()),
            )
        if entries:
            write_annotation(folder / f"{split}.json", entries)


def _samples(data_sets: Sequence) -> Iterator[tuple[str, dict, Sequence[str]]]:
    """Name, information and class names of each video."""
    for dataset in data_sets:
        classes = (dataset.metainfo or {}).get("classes") or ()
        for index in range(len(dataset)):
            info = dataset.get_data_info(index)
            if not hasattr(info.get("gt_instances"), "segments"):
                raise ValueError(
                    f"{getattr(dataset, 'ann_file', 'a data set')}: its samples have "
                    "no gt_instances with segments, which MMAction2's annotation needs"
                )
            name = info.get("video_id") or Path(info["filename"]).stem
            yield NAME.format(str(name).removeprefix("v_")), info, classes


def _is_older(path: Path, than: Path) -> bool:
    return not path.exists() or path.stat().st_mtime_ns < than.stat().st_mtime_ns
