"""The KTH data set of human actions, as it is unpacked."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence

from mmaction.registry import DATASETS

from ..annotation import AnnotationError
from .frame_sequence_dataset import FrameSequenceDataset

CLASSES = ("boxing", "handclapping", "handwaving", "jogging", "running", "walking")
NAME = re.compile(r"person(\d\d)_([a-z]+)_d([1-4])(?:_uncomp)?\.avi")
PERSONS = range(1, 26)
#: The split of papers on video prediction: persons 1 to 16 and 17 to 25.
SPLITS = {"train": range(1, 17), "test": range(17, 26)}


@DATASETS.register_module()
class KTHDataset(FrameSequenceDataset):
    """Windows of `KTH <https://www.csc.kth.se/cvap/actions/>`_, split by persons.

    The folder is what its six archives unpack to: ``walking/person01_walking_d1_
    uncomp.avi`` and so on. Frames are 160 x 120 grey at 25 a second. Tables of video
    prediction scale them to 128 x 128, show 10 and forecast 20 or 40; of their windows
    everybody takes other ones, so compare only what the same windows gave.

    Args:
        data_prefix: ``dict(video=folder)`` of the folders of classes.
        persons: ``'train'`` (1 to 16), ``'test'`` (17 to 25), or numbers.
        classes: Some of the six; None: all.
        windows: Samples of a file.
        **kwargs: Of :class:`FrameSequenceDataset`.

    Raises:
        AnnotationError: Files are not named as KTH's, or lie in another class's
            folder; all are named.
        FileNotFoundError: A class has no folder.
        ValueError: There is no such person or class, or nobody of them is there.
    """

    def __init__(
        self,
        data_prefix: dict,
        persons: str | Sequence[int] = "train",
        *,
        classes: Sequence[str] | None = None,
        windows: int = 1,
        **kwargs,
    ) -> None:
        numbers = SPLITS.get(persons, ()) if isinstance(persons, str) else persons
        listed = isinstance(numbers, Collection)
        if not listed or not numbers or not set(numbers) <= set(PERSONS):
            raise ValueError(
                f"persons must be 'train', 'test' or numbers from 1 to 25, got "
                f"{persons!r}"
            )
        self.persons = frozenset(numbers)
        self.actions = tuple(CLASSES if classes is None else classes)
        unknown = [name for name in self.actions if name not in CLASSES]
        if unknown or not self.actions:
            raise ValueError(f"classes must be some of {CLASSES}, got {classes!r}")
        super().__init__(data_prefix=data_prefix, windows=windows, **kwargs)

    def files(self, folder: str) -> list[str]:
        """Paths of the files of the persons that are wanted."""
        missing = [
            name
            for name in self.actions
            if not os.path.isdir(os.path.join(folder, name))
        ]
        if missing:
            raise FileNotFoundError(
                f"{folder}: has no folder {', '.join(missing)}; KTHDataset wants one "
                "for each class, as the archives of KTH unpack, or classes=[...]"
            )
        wanted, wrong = [], []
        for action in self.actions:
            below = os.path.join(folder, action)
            for path in super().files(below):
                found = NAME.fullmatch(os.path.basename(path))
                if not found or found[2] != action or int(found[1]) not in PERSONS:
                    wrong.append(
                        f"{path}: expected a name as person01_{action}_d1_uncomp.avi"
                    )
                elif int(found[1]) in self.persons:
                    wanted.append(path)
        if wrong:
            raise AnnotationError(wrong)
        if not wanted:
            raise ValueError(
                f"{folder}: has no file of persons {sorted(self.persons)} (KTHDataset)"
            )
        return wanted
