"""MMAction2's video dataset, reading its annotation strictly."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from mmaction.datasets import VideoDataset
from mmaction.registry import DATASETS
from mmengine.fileio import get

SHOWN = 20
SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}$")


class AnnotationError(ValueError):
    """An annotation file with lines that cannot be used; lists them all.

    Args:
        problems: ``file:line: reason`` each.
    """

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("malformed annotation\n" + _listed(problems))

    def __reduce__(self):
        return type(self), (self.problems,)


@DATASETS.register_module()
class MultiModalVideoDataset(VideoDataset):
    """MMAction2's ``VideoDataset`` that finds mistakes before training begins.

    Same files, one ``path label`` a line. All malformed lines are reported at once with
    file and line, and so are files that do not exist. Paths may contain spaces; tabs,
    blank lines, Windows line ends and a byte order mark are tolerated. Labels may be
    missing if they are missing everywhere.

    Args:
        *args: See MMAction2's ``VideoDataset``.
        check_files: Whether every file has to exist.
        **kwargs: See MMAction2's ``VideoDataset``.
    """

    def __init__(self, *args, check_files: bool = True, **kwargs) -> None:
        self.check_files = check_files
        super().__init__(*args, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Reads and checks the annotation file.

        Raises:
            FileNotFoundError: If the annotation file or a media file does not exist.
            AnnotationError: If a line cannot be used.
        """
        rows = list(self._rows())
        if not rows:
            raise AnnotationError([f"{self.ann_file}: names no video"])
        unlabelled = not any(labels for _, _, labels in rows)
        problems, seen = [], {}
        for number, name, labels in rows:
            where = f"{self.ann_file}:{number}: "
            reasons = [] if unlabelled else self._label_problems(labels)
            line, others = seen.setdefault(name, (number, labels))
            if others != labels:
                reasons.append(f"'{name}' has another label in line {line}")
            problems += [where + reason for reason in reasons]
        if problems:
            raise AnnotationError(problems)

        prefix = self.data_prefix.get("video")
        data_list = []
        for _, name, labels in rows:
            filename = name if prefix is None else os.path.join(prefix, name)
            numbers = [int(label) for label in labels] if labels else [-1]
            label = numbers if self.multi_class and labels else numbers[0]
            data_list.append(dict(filename=filename, label=label))
        if self.check_files:
            self._check_files(data_list, [number for number, _, _ in rows])
        return data_list

    def _rows(self) -> Iterator[tuple[int, str, list[str]]]:
        """Line number, path and label texts of each line that is not blank."""
        if not self.ann_file:
            raise FileNotFoundError("ann_file is empty; give an annotation file")
        try:
            text = get(self.ann_file).decode("utf-8-sig")
        except (FileNotFoundError, IsADirectoryError):
            raise FileNotFoundError(
                f"annotation file not found: {self.ann_file}"
            ) from None
        except UnicodeDecodeError as error:
            raise AnnotationError(
                [f"{self.ann_file}: is not UTF-8 text ({error})"]
            ) from None
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield number, *self._split(line.strip())

    def _split(self, line: str) -> tuple[str, list[str]]:
        """A line's path and label texts; the path may contain the delimiter."""
        delimiter = None if self.delimiter == " " else self.delimiter
        name, labels = line, []
        while True:
            parts = name.rsplit(delimiter, 1)
            if len(parts) < 2 or SUFFIX.search(parts[1]):
                return name, labels
            if labels and not (self.multi_class and _is_int(parts[1])):
                return name, labels
            name, labels = parts[0].strip(), [parts[1].strip(), *labels]
            if not self.multi_class:
                return name, labels

    def _label_problems(self, labels: list[str]) -> list[str]:
        if not labels:
            return ["has no label, but other lines have one"]
        problems = []
        for label in labels:
            if not _is_int(label):
                problems.append(f"label '{label}' is not an integer")
            elif int(label) < 0:
                problems.append(f"label {label} is negative")
            elif self.num_classes is not None and int(label) >= self.num_classes:
                problems.append(
                    f"label {label} is outside the {self.num_classes} classes "
                    f"(0 to {self.num_classes - 1})"
                )
        return problems

    def _check_files(self, data_list: list[dict], numbers: list[int]) -> None:
        missing = [
            f"{self.ann_file}:{number}: {item['filename']}"
            for number, item in zip(numbers, data_list)
            if "://" not in item["filename"] and not os.path.isfile(item["filename"])
        ]
        if missing:
            raise FileNotFoundError(
                f"{len(missing)} of {len(data_list)} media files not found\n"
                + _listed(missing)
            )


def _is_int(text: str) -> bool:
    return re.fullmatch(r"[+-]?\d+", text) is not None


def _listed(lines: list[str]) -> str:
    more = [f"... and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "\n".join([*lines[:SHOWN], *more])
