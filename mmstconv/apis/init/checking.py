"""Checks of many files, which are kept: an interrupted run goes on where it was."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from ...disk import ForeignFile
from ..check import FileCheck, Sound, check_files

KEPT = "checks.jsonl"
HEAD = dict(checks="mmstconv init", version=1)


def checked(
    paths: Sequence[Path], out: Path, workers: int | None = None
) -> list[FileCheck]:
    """The check of each file, in order; those of earlier runs count.

    Each one is on disk as soon as it is done, in ``checks.jsonl``. A file that has
    changed since (size or time) is checked again. A bar shows how far it is.

    Args:
        paths: Of the files.
        out: Folder that checks are kept in.
        workers: Processes; None is one a core.

    Raises:
        ForeignFile: There is another file of that name.
    """
    kept = out / KEPT
    known = _read(kept)
    stamps = {path: _stamp(path) for path in paths}
    found = {
        path: known[key][1]
        for path in stamps
        if (key := os.path.abspath(path)) in known and known[key][0] == stamps[path]
    }
    missing = [path for path in stamps if path not in found]
    options = dict(total=len(stamps), initial=len(found), unit="file", desc="checking")
    if not sys.stderr.isatty():
        options["mininterval"] = 10  # a log wants few lines
    with kept.open("ab") as file, tqdm(**options, disable=not missing) as bar:
        if file.tell() == 0:
            _note(file, HEAD)
        elif missing:
            file.write(b"\n")  # behind what may be cut off
        for check in check_files(missing, workers):
            found[check.path] = check
            what = check._replace(path=os.path.abspath(check.path))._asdict()
            _note(file, dict(what, stamp=stamps[check.path]))
            bar.update()
    return [found[path]._replace(path=path) for path in paths]


def _note(file, content: dict) -> None:
    file.write(json.dumps(content).encode() + b"\n")
    file.flush()


def _stamp(path: Path) -> list[int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


def _read(path: Path) -> dict[str, tuple[list[int] | None, FileCheck]]:
    """``{absolute path: (stamp, check)}`` of what was kept; of each file the last."""
    if not os.path.lexists(path):
        return {}
    is_file = path.is_file() and not path.is_symlink()
    if is_file and not path.stat().st_size:  # ended before its first line
        return {}
    lines = _lines(path) if is_file else []
    if not lines or lines[0] != HEAD:
        raise ForeignFile(
            f"{path} is there and was not written by this tool: move or delete it, or "
            "write to another place (--out)"
        )
    known = {}
    for line in lines[1:]:
        stamp = line.pop("stamp", None)
        try:
            check = FileCheck(**line)
        except TypeError:  # of another version
            continue
        sound = check.sound and Sound(*check.sound)
        known[os.fspath(check.path)] = stamp, check._replace(sound=sound)
    return known


def _lines(path: Path) -> list[dict]:
    found = []
    for line in path.read_bytes().splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:  # cut off
            continue
    return [line for line in found if isinstance(line, dict)]
