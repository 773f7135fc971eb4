"""MMAction2's video dataset with a strict annotation and a tolerance for bad files."""

from __future__ import annotations

import gc
import os
import pickle
from collections.abc import Iterable, Sequence

import numpy as np
from mmaction.datasets import VideoDataset
from mmaction.registry import DATASETS
from mmengine.dataset import BaseDataset

from ..disk import FETCH_ADVICE, is_remote, public_name
from ..private_names import metainfo_of, uses_private
from .annotation import (
    AnnotationError,
    Row,
    clipped,
    is_plain,
    listed,
    read_rows,
    row_problems,
)
from .class_names import find_class_names
from .missing_files import missing_files
from .tolerant_dataset import TolerantDataset
from .transforms.roles import fetchers_of, steps_of


@DATASETS.register_module()
@uses_private("_serialize_data")
class MultiModalVideoDataset(TolerantDataset, VideoDataset):
    """MMAction2's ``VideoDataset`` that finds mistakes before training begins.

    Same files, one ``path label`` a line. All malformed lines and files that do not
    exist are reported at once with file and line. Paths may contain spaces; tabs,
    blank lines, Windows line ends and a byte order mark are tolerated. Labels may be
    missing if they are missing everywhere. With ``multi_class=True`` a line has any
    number of labels, ``path label label ...``, or none.

    The names of the classes, one a line in the order of the labels, are in the file
    ``metainfo['classes']`` (or are a list there), or in ``classes.txt`` beside the
    annotation. They travel with checkpoints.

    With ``FetchMedia`` in the pipeline, paths or ``data_prefix['video']`` may be
    addresses (``s3://bucket/videos``); whether such files exist is not asked.

    A file that turns out to be unusable while it is read raises, unless
    :meth:`tolerate` was called (``BadSampleHook`` does, and counts). Then another
    sample takes its place in training. In ``test_mode`` nothing is dropped: the sample
    comes with all modalities absent. The metainfo of the packed data sample says so:

    - ``replaced``: ``[(path, reason)]``, the samples that were tried before this one;
    - ``failure``: why nothing of this file could be used (``test_mode``);
    - ``damage``: ``[what]`` was found broken in a file that was used all the same.

    ``filename`` is in the metainfo whatever the pipeline packs.

    Args:
        *args: See MMAction2's ``VideoDataset``.
        check_files: Whether every file has to exist.
        allow_outside: Whether the annotation may name files outside of the folder
            ``data_prefix['video']``. Names are compared; links are followed.
        **kwargs: See MMAction2's ``VideoDataset``.
    """

    prefix = "video"

    def __init__(
        self,
        *args,
        check_files: bool = True,
        allow_outside: bool = False,
        **kwargs,
    ) -> None:
        self.check_files = check_files
        self.allow_outside = allow_outside
        super().__init__(*args, **kwargs)
        names = metainfo_of(self).get("classes")
        names = find_class_names(names, self.ann_file, self.num_classes)
        if names is not None:
            metainfo_of(self)["classes"] = names

    def full_init(self) -> None:
        """As MMEngine's, with the garbage collector off.

        A long list makes many objects that all stay; the collector would search them
        again and again for nothing.
        """
        enabled = gc.isenabled()
        gc.disable()
        try:
            super().full_init()
            if self.check_files:
                self._check_extracted()
        finally:
            if enabled:
                gc.enable()

    def load_data_list(self) -> list[dict]:
        """Reads and checks the annotation file.

        Raises:
            ValueError: Media are not on this machine, and the pipeline has no
                ``FetchMedia``, or one that cannot read such addresses.
            FileNotFoundError: If the annotation file, the media folder or media files
                do not exist.
            AnnotationError: If a line cannot be used; lists missing files as well.
        """
        if self.multi_class and self.num_classes is None:
            raise ValueError("multi_class=True needs num_classes")
        folder = self.data_prefix.get(self.prefix)
        fetchers = fetchers_of(self)
        if folder and is_remote(folder) and not fetchers:
            raise ValueError(
                f"{self.ann_file}: data_prefix[{self.prefix!r}] = "
                f"{public_name(folder)!r} {FETCH_ADVICE}"
            )
        rows = self._read_rows()
        root = None if self.allow_outside else folder or None
        mistakes = self._row_problems(rows, root, bool(fetchers))
        below = os.path.join(folder, "") if folder else ""
        data = [
            (row.number, self._info(row.name, row.labels, folder, below))
            for row in rows
            if row.number not in mistakes
        ]
        for step in fetchers:
            step.check_names(info["filename"] for _, info in data)
        missing = self._missing(data) if self.check_files else []
        count = len(missing)
        if missing and folder and not is_remote(folder) and not os.path.isdir(folder):
            missing = [f"{self.ann_file}: the folder {folder} does not exist"]
        if mistakes:
            lines = [
                f"{self.ann_file}:{number}: {reason}"
                for number, reasons in mistakes.items()
                for reason in reasons
            ]
            raise AnnotationError(lines + missing)
        if missing:
            raise FileNotFoundError(
                f"{count} of {len(data)} media files not found\n" + listed(missing)
            )
        return [info for _, info in data]

    def _check_extracted(self) -> None:
        """Checks that what transforms read beside the files exists for some sample."""
        for step in steps_of(self):
            if hasattr(step, "check_extracted"):
                infos = (BaseDataset.get_data_info(self, k) for k in range(len(self)))
                step.check_extracted(infos)

    def _read_rows(self) -> list[Row]:
        return read_rows(self.ann_file, self.delimiter, self.multi_class)

    def _row_problems(
        self, rows: list[Row], root: str | None, fetched: bool
    ) -> dict[int, list[str]]:
        return row_problems(rows, self.num_classes, root, self.multi_class, fetched)

    def _info(
        self, name: str, labels: Sequence[str], folder: str | None, below: str
    ) -> dict:
        if is_plain(name) or folder is None:
            filename = below + name
        elif is_remote(name):
            filename = name
        else:
            filename = os.path.join(folder, name)
        if self.multi_class:
            label = [int(text) for text in labels]
        else:
            label = int(labels[0]) if labels else -1
        return dict(filename=filename, label=label)

    def _missing(self, data: Sequence[tuple[int, dict]]) -> list[str]:
        names = (info["filename"] for _, info in data)
        missing = self._not_there(name for name in names if not is_remote(name))
        return [
            f"{self.ann_file}:{number}: {clipped(info['filename'])} does not exist"
            for number, info in data
            if missing and info["filename"] in missing
        ]

    @staticmethod
    def _not_there(paths: Iterable[str]) -> set[str]:
        """The paths that do not exist."""
        return missing_files(paths)

    def _serialize_data(self) -> tuple[np.ndarray, np.ndarray]:
        """As MMEngine's, but makes one array of all items instead of one of each."""
        items = [pickle.dumps(info, protocol=4) for info in self.data_list]
        self.data_list.clear()
        lengths = np.fromiter(map(len, items), np.int64, len(items))
        return np.frombuffer(b"".join(items), np.uint8), np.cumsum(lengths)

    def get_cat_ids(self, idx: int) -> list[int]:
        """The classes of a sample, as ``ClassBalancedDataset`` counts them.

        None without a label.
        """
        label = BaseDataset.get_data_info(self, idx)["label"]
        labels = label if isinstance(label, Sequence) else [label]
        return [one for one in labels if one >= 0]
