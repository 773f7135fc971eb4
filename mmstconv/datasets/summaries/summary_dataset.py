"""Films with what users said of them."""

from __future__ import annotations

import os

from mmaction.registry import DATASETS

from ..annotation import AnnotationError
from ..tolerant_dataset import TolerantDataset
from .hdf5_layout import read_hdf5
from .json_layout import read_json, read_split

HDF5 = (".h5", ".hdf5")


@DATASETS.register_module()
class SummaryDataset(TolerantDataset):
    """Films and their summaries by users, for pipelines of film steps.

    Reads TVSum's and SumMe's HDF5 (``hdf5_layout``) or our JSON (``json_layout``), by
    the suffix. A sample has ``filename`` and ``rated``, which ``AlignImportance``
    brings onto the film's steps; of HDF5 also the file's own features, for
    ``LoadRatedFeatures``.

    Args:
        ann_file: ``.json``, ``.h5`` or ``.hdf5``.
        subset: Of JSON: ``'training'``, ``'validation'`` or ``'test'``; with
            ``splits``: ``'train'``, ``'validation'`` or ``'test'``. None: all films.
        splits: JSON file of splits, for HDF5.
        split: Which of them.
        suffix: Of the files of HDF5's videos, which have names without.
        check_files: Whether every video has to exist; off where only features are read.
        **kwargs: Of MMEngine's ``BaseDataset``: ``data_prefix=dict(video=...)``,
            ``pipeline``, ``test_mode``.

    Raises:
        AnnotationError: The files cannot be used; lists all mistakes.
        FileNotFoundError: A file does not exist; names all videos that do not.
    """

    def __init__(
        self,
        ann_file: str,
        *,
        subset: str | None = None,
        splits: str | None = None,
        split: int = 0,
        suffix: str = ".mp4",
        check_files: bool = True,
        **kwargs,
    ) -> None:
        self.subset = subset
        self.splits = splits
        self.split = split
        self.suffix = suffix
        self.check_files = check_files
        super().__init__(ann_file=ann_file, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Reads and checks the annotation, and whether videos exist."""
        if os.path.splitext(self.ann_file)[1].lower() in HDF5:
            data = self._of_hdf5()
        elif self.splits is not None:
            raise AnnotationError(
                [f"{self.ann_file}: splits are for HDF5; give subset alone"]
            )
        else:
            films = read_json(self.ann_file, self.subset)
            data = [self._info(name, film) for name, film in films.items()]
        if self.check_files:
            missing = [one["filename"] for one in data]
            missing = [name for name in missing if not os.path.isfile(name)]
            if missing:
                shown = "".join(f"\n  {name}" for name in missing[:20])
                raise FileNotFoundError(
                    f"{len(missing)} of {len(data)} videos of {self.ann_file} do not "
                    f"exist:{shown}"
                )
        return data

    def _of_hdf5(self) -> list[dict]:
        keys = None
        if self.splits is not None:
            keys = read_split(self.splits, self.split, self.subset or "train")
        elif self.subset is not None:
            raise AnnotationError(
                [f"{self.ann_file}: subset={self.subset!r} of HDF5 needs splits=..."]
            )
        videos = read_hdf5(self.ann_file, keys)
        return [
            self._info((video.name or key) + self.suffix, video._asdict())
            for key, video in videos.items()
        ]

    def _info(self, name: str, rated: dict) -> dict:
        folder = self.data_prefix.get("video") or ""
        return dict(filename=os.path.join(folder, name), rated=rated)
