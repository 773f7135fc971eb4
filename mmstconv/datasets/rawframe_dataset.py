"""MMAction2's lists of extracted frames, read as strictly as those of videos."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence

from mmaction.registry import DATASETS

from .annotation import AnnotationError, Row
from .video_dataset import MultiModalVideoDataset

TOTAL = re.compile(r"(.*\S)\s+(\d+)")


@DATASETS.register_module()
class MultiModalRawframeDataset(MultiModalVideoDataset):
    """:class:`MultiModalVideoDataset` whose files are folders of images.

    A line is ``folder total_frames label``, as of MMAction2's ``RawframeDataset``, or
    ``folder label``: then a folder has as many frames as images. With several labels
    a line (``multi_class``) the number of frames must be there.

    Args:
        *args: See ``MultiModalVideoDataset``. ``data_prefix=dict(img=...)`` is the
            folder that those of the list are in.
        **kwargs: The same.
    """

    prefix = "img"

    def _read_rows(self) -> list[Row]:
        rows = super()._read_rows()
        if self.multi_class:
            split = [(row.name, *row.labels[:1], row.labels[1:]) for row in rows]
            wrong = [
                f"{self.ann_file}:{row.number}: has no number of frames"
                for row in rows
                if not (row.labels and row.labels[0].isdecimal())
            ]
            if wrong:
                raise AnnotationError(wrong)
        else:
            found = [TOTAL.fullmatch(row.name) for row in rows]
            if not all(found):
                self._totals = {}
                return rows
            split = [(*one.groups(), row.labels) for one, row in zip(found, rows)]
        self._totals = {name: int(total) for name, total, _ in split}
        return [
            Row(row.number, name, labels) for row, (name, _, labels) in zip(rows, split)
        ]

    def _info(self, name: str, labels: Sequence[str], *folder: str | None) -> dict:
        info = super()._info(name, labels, *folder)
        if name in self._totals:
            info["total_frames"] = self._totals[name]
        return info

    @staticmethod
    def _not_there(paths: Iterable[str]) -> set[str]:
        return {path for path in paths if not os.path.isdir(path)}
