"""Names of what commands write of files: they differ, and a file system takes them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

LONGEST_NAME = 200  # bytes, with room for what is written beside; a file may have 255


def ids_of(files: Sequence[Path]) -> dict[str, str]:
    """``{file: id}``: the name without suffix; where two have the same, the path."""
    names = {os.fspath(path): path.stem for path in files}
    counts = Counter(names.values())
    return {path: name if counts[name] == 1 else path for path, name in names.items()}


def plain_names(files: Sequence[Path]) -> dict[str, str]:
    """``{file: name}``, all different and without folders, for what is of each file."""
    plain = {
        path: name.strip("/").replace("../", "_/").replace("/", "_")
        for path, name in ids_of(files).items()
    }
    counts = Counter(plain.values())
    return {
        path: name if counts[name] == 1 else f"{name}-{digest_of(path)}"
        for path, name in plain.items()
    }


def fitting(stem: str, suffix: str) -> str:
    """A name that a file system takes; of a longer one a digest tells it apart."""
    if len(os.fsencode(stem + suffix)) <= LONGEST_NAME:
        return stem + suffix
    return shortened(stem, f"-{digest_of(stem)}{suffix}")


def digest_of(name: str) -> str:
    return sha256(os.fsencode(name)).hexdigest()[:12]


def shortened(stem: str, suffix: str) -> str:
    """A name that a file system takes: of a long stem its beginning."""
    while len(os.fsencode(stem + suffix)) > LONGEST_NAME:
        stem = stem[:-1]
    return stem + suffix
