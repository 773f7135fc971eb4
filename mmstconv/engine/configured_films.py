"""Which videos a config's data sets read, and where their cached steps belong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mmaction.registry import DATASETS
from mmengine.registry import init_default_scope

SPLITS = ("train", "val", "test")


def data_sets_of(cfg: Mapping) -> dict[str, list]:
    """The data sets of each split of a config, without their transforms."""
    init_default_scope(cfg.get("default_scope", "mmaction"))
    return {
        split: [
            DATASETS.build(dict(part, pipeline=[])) for part in _configs(cfg, split)
        ]
        for split in SPLITS
    }


def films_of(cfg: Mapping) -> list[str]:
    """The videos of all data sets of a config, each once, in order.

    Raises:
        ValueError: The config has no data sets of files.
    """
    films: dict[str, None] = {}
    for data_sets in data_sets_of(cfg).values():
        for dataset in data_sets:
            for index in range(len(dataset)):
                name = dataset.get_data_info(index).get("filename")
                if name is not None:
                    films[name] = None
    if not films:
        raise ValueError("the config has no data sets of video files: give --files")
    return list(films)


def cache_of(cfg: Mapping) -> str:
    """The folder that the config's ``LoadFilmSteps`` reads.

    Raises:
        ValueError: There is none, or there are several.
    """
    folders = {
        step["cache"]
        for split in SPLITS
        for part in _configs(cfg, split)
        for step in part["pipeline"]
        if step.get("type") == "LoadFilmSteps"
    }
    if len(folders) != 1:
        found = f"reads {sorted(folders)}" if folders else "has no LoadFilmSteps"
        raise ValueError(f"the config {found}: say with --out where to write")
    return folders.pop()


def _configs(cfg: Mapping, split: str) -> Iterator[Mapping]:
    return _data_sets(cfg.get(f"{split}_dataloader"))


def _data_sets(part: object) -> Iterator[Mapping]:
    """All with a pipeline, in a loader and in data sets that wrap others."""
    if isinstance(part, (list, tuple)):
        for one in part:
            yield from _data_sets(one)
    elif isinstance(part, Mapping):
        if "pipeline" in part:
            yield part
        for key in ("dataset", "datasets"):
            yield from _data_sets(part.get(key))
