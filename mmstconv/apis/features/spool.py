"""Rows on disk until all are known: arrays of any length in little memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ...disk import unfinished_path
from .rows import FeatureRows

SECONDS = "seconds"


class Spool:
    """Rows one behind another, in a file for each modality.

    Args:
        folder: Where the files lie meanwhile, under names of this process.
        name: Of what they are of.
        widths: ``{modality: D_m}``.
    """

    def __init__(self, folder: Path, name: str, widths: Mapping[str, int]) -> None:
        self.widths = {**widths, SECONDS: 2}
        self.count = 0
        self.paths, self.files = {}, {}
        for part in self.widths:
            path = unfinished_path(folder / f"{part}.{name}")
            self.paths[part] = path
            self.files[part] = path.open("wb")

    def append(self, rows: FeatureRows) -> None:
        for part, x in {**rows.feats, SECONDS: rows.seconds}.items():
            np.ascontiguousarray(x, _type_of(part)).tofile(self.files[part])
        self.count += rows.count

    def arrays(self) -> dict[str, np.ndarray]:
        """``{modality: (R, D_m)}`` and the seconds, not read yet."""
        for file in self.files.values():
            file.flush()
        return {
            part: np.memmap(path, _type_of(part), "r", shape=(self.count, width))
            if self.count
            else np.zeros((0, width), _type_of(part))
            for part, width in self.widths.items()
            for path in [self.paths[part]]
        }

    def remove(self) -> None:
        for part, file in self.files.items():
            file.close()
            self.paths[part].unlink(missing_ok=True)


def _type_of(part: str) -> type:
    return np.float64 if part == SECONDS else np.float32
