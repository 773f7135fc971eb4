"""Collects what the lists of a data set say, with all that is wrong in them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import PurePosixPath

from ..annotation import AnnotationError, listed, shown
from ..class_names import spelled_alike
from .layout import SPLITS, Layout, Sample
from .sources import group_of
from .tree import Tree

MEND = "mend=True (--mend) leaves it out"


class Collected:
    """Samples of a data set, as a reader finds them.

    Args:
        tree: The folder.
        mend: Whether to leave out lines that repeat an earlier one; they are mistakes
            otherwise.
    """

    def __init__(self, tree: Tree, mend: bool = False) -> None:
        self.tree = tree
        self.mend = mend
        #: ``file:line: reason`` each.
        self.mistakes: list[str] = []
        self.samples: list[Sample] = []
        self.missing: list[str] = []
        self.notes: list[str] = []
        self._first: dict[Hashable, str] = {}
        self._repeated = 0

    def where(self, file: str, number: int) -> str:
        """``file:line`` of a file of the tree, for messages."""
        return f"{self.tree.path(file)}:{number}"

    def mistake(self, where: str, reason: str) -> None:
        """Notes what is wrong with a line."""
        self.mistakes.append(f"{where}: {reason}")

    def number(self, where: str, name: str, numbers: dict[str, int]) -> int | None:
        """The number of a class; None and a mistake if it is none of them."""
        if name not in numbers:
            self.mistake(
                where, f"class {shown(name)} is none of the {len(numbers)} classes"
            )
        return numbers.get(name)

    def is_new(self, where: str, key: Hashable, name: str) -> bool:
        """Whether no line before was about the same thing; else a mistake."""
        first = self._first.setdefault(key, where)
        if first is where:
            return True
        if self.mend:
            self._repeated += 1
        else:
            self.mistake(where, f"{shown(name)} is in {first} already; {MEND}")
        return False

    def add(
        self,
        where: str,
        name: str,
        file: str | None,
        labels: Sequence[int],
        split: str | None,
        group: str | None = None,
        segment: tuple[float, float] | None = None,
        frames: int | None = None,
    ) -> None:
        """A sample whose line is in order.

        Args:
            where: ``file:line``.
            name: As the line has it.
            file: In the tree; None: there is none.
            labels: Numbers of classes.
            split: One of ``SPLITS``, or None.
            group: None: as the name of the file tells.
            segment: In seconds.
            frames: Images of a folder.
        """
        assert split is None or split in SPLITS
        if file is None:
            self.missing.append(f"{where}: {name}")
            return
        group = group or group_of(PurePosixPath(file).stem)
        path = self.tree.path(file)
        self.samples.append(Sample(path, tuple(labels), split, group, segment, frames))

    def layout(self, classes: Sequence[str], multi_label: bool, **fields) -> Layout:
        """What was collected.

        Raises:
            AnnotationError: Lines cannot be used; lists them all.
        """
        if self.mistakes:
            raise AnnotationError(self.mistakes)
        if self._repeated:
            self.notes.append(f"{self._repeated} lines repeat others and were left out")
        alike = [" and ".join(map(shown, of)) for of in spelled_alike(classes)]
        if alike:
            self.notes.append(
                "classes that differ in how their names are written alone (rename "
                "those that are one):\n" + listed([f"  {names}" for names in alike])
            )
        return Layout(
            "", self.samples, list(classes), multi_label, tuple(self.missing),
            tuple(self.notes), **fields,
        )  # fmt: skip
