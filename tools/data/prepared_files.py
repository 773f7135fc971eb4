"""Which files are prepared, where they go, and what is there already."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from file_names import of_shard

from mmstconv.disk import ForeignFile
from mmstconv.media import video_files
from mmstconv.media.writing.prepare_file import Job, state_of

JOURNAL = "prepared.jsonl"
SHARED_JOURNALS = "prepared.*-of-*.jsonl"


class Journal:
    """What has been made in a folder, a line of JSON each; the last of a file counts.

    Args:
        folder: Where the files are.
        settings: Of this run, as text.
        shard: ``i/n`` of a job that shares the work: it writes a journal of its own.

    Raises:
        ForeignFile: A file of the journal's name is something else.
    """

    def __init__(self, folder: Path, settings: str, shard: str | None = None) -> None:
        self.folder, self.settings = folder, settings
        path = of_shard(folder / JOURNAL, shard)
        read_journal(path)
        self._file = open(path, "a+b")
        self._file.seek(max(self._file.tell() - 1, 0))
        if self._file.read(1) not in (b"\n", b""):  # cut off
            self._file.write(b"\n")

    def add(self, job: Job, source: tuple[int, int], size: int) -> None:
        """Notes a file that was made.

        Args:
            job: What was made of what.
            source: State of the source before it was read.
            size: Of the target in bytes.
        """
        entry = [job.source, *source, size, self.settings]
        self._file.write(json.dumps([job.target, *entry]).encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def up_to_date(
    job: Job, root: Path, out: Path, made: dict[str, list], settings: str
) -> bool:
    """Whether the target is there, of this source as it is now, and of these settings.

    Args:
        job: What is to be made of what.
        root: Folder of the sources.
        out: Folder of the targets.
        made: Of :func:`read_journal`.
        settings: Of this run.
    """
    try:
        source = state_of(root / job.source)
        size = (out / job.target).stat().st_size
    except OSError:
        return False
    return made.get(job.target) == [job.source, *source, size, settings]


def read_journal(path: Path) -> dict[str, list]:
    """``{target: what it was made of}``.

    Raises:
        ForeignFile: It is no such journal.
    """
    made, content = {}, b""
    if os.path.lexists(path):
        content = b"" if path.is_symlink() or not path.is_file() else path.read_bytes()
        if not content and (path.is_symlink() or not path.is_file()):
            raise ForeignFile(f"{path} is no file: write to another folder")
    for line in content.splitlines():
        try:
            target, source, size, changed, written, settings = json.loads(line)
            made[target] = [source, size, changed, written, settings]
        except (ValueError, TypeError):  # cut off when the machine went down
            continue
    if content.strip() and not made:
        raise ForeignFile(
            f"{path} is there and is no journal of this tool: move it, or write to "
            "another folder"
        )
    return made


def read_journals(folder: Path) -> dict[str, list]:
    """What all jobs have made in a folder, as of :func:`read_journal`."""
    made = read_journal(folder / JOURNAL)
    for path in sorted(folder.glob(SHARED_JOURNALS)):
        made |= read_journal(path)
    return made


def videos_below(root: Path, out: Path) -> list[str]:
    """The videos of a folder, told by their suffix.

    Not those in the target folder, nor what this tool has made in others.
    """
    found = video_files.videos_below(
        root, lambda folder: same_folder(folder, out) or _is_prepared(folder)
    )
    return sorted(path.relative_to(root).as_posix() for path in found)


def _is_prepared(folder: Path) -> bool:
    return (folder / JOURNAL).is_file() or any(folder.glob(SHARED_JOURNALS))


def same_folder(one: Path, other: Path) -> bool:
    """Whether both are there and the same."""
    return other.exists() and one.exists() and one.samefile(other)


def place_problems(
    root: Path, out: Path, targets: dict[str, str], lists: Sequence[Path]
) -> list[str]:
    """Why files cannot go where they would; looked at before the first is written.

    Args:
        root: Folder of the sources.
        out: Folder of the targets.
        targets: ``{source: target}``, below these.
        lists: Annotation files, whose names are used below ``out``.
    """
    videos, place = (os.path.realpath(folder) for folder in (root, out))
    inside = _is_below(place, videos)
    problems: list[str] = []
    folders: dict[str, str] = {}
    first: dict[str, str] = {}
    for source, target in targets.items():
        folder = os.path.dirname(target)
        if folder not in folders:
            folders[folder] = os.path.realpath(out / folder)
            real = folders[folder]
            if _is_below(real, videos) and not (inside and _is_below(real, place)):
                problems.append(f"{out / folder} leads to {real}, among the videos")
            problems += _files_above(out, folder)
        real = _alike(os.path.join(folders[folder], os.path.basename(target)))
        other = first.setdefault(real, source)
        if other != source:
            problems.append(
                f"{root / other} and {root / source} would both become {out / target}"
            )
        if inside and _is_below(os.path.realpath(root / source), place):
            problems.append(f"{root / source} is in the output folder {out}")
    taken = {_alike(os.path.join(place, JOURNAL)): "the journal", **first}
    for path in lists:
        real = _alike(os.path.join(place, path.name))
        other = taken.setdefault(real, os.fspath(path))
        if other != os.fspath(path):
            problems.append(
                f"{path} would become {out / path.name}, as would {other}: annotation "
                "files that go to one folder need different names"
            )
    return problems


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(os.path.join(folder, ""))


def _files_above(out: Path, folder: str) -> list[str]:
    """Files that stand where a folder is needed."""
    wanted = [out / folder, *(out / folder).parents]
    return [
        f"{path} is a file, where a folder is needed"
        for path in wanted
        if os.path.lexists(path) and not path.is_dir()
    ]


def _alike(path: str) -> str:
    """One text for all names that some file system takes for the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def target_names(names: Iterable[str], root: Path) -> dict[str, str]:
    """Where files go. A name is given by what the folder holds, not by what is asked
    for, so it is the same for each annotation file.

    Args:
        names: Paths below ``root``.
        root: Folder of the sources.
    """
    names = set(names)
    present = set(names)
    for folder in {os.path.dirname(name) for name in names}:
        try:
            beside = os.listdir(root / folder)
        except OSError:
            continue
        present.update(
            f"{folder}/{name}" if folder else name
            for name in beside
            if Path(name).suffix.lower() in video_files.VIDEO_SUFFIXES
        )
    wishes: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(present):
        stem, suffix = os.path.splitext(name)
        stem = stem if suffix.lower() in video_files.VIDEO_SUFFIXES else name
        wishes.setdefault(_alike(f"{stem}.mp4"), []).append((name, f"{stem}.mp4"))
    folders = {_alike(str(above)) for name in present for above in Path(name).parents}
    targets, taken = {}, {*wishes, *folders}
    for target, rivals in wishes.items():
        alone = len(rivals) == 1 or sum(n == wish for n, wish in rivals) == 1
        for name, wish in rivals:
            free = target not in folders
            if free and alone and (len(rivals) == 1 or name == wish):
                targets[name] = wish
                continue
            own = f"{name}.mp4"
            while _alike(own) in taken:
                own += ".mp4"
            taken.add(_alike(own))
            targets[name] = own
    return {name: targets[name] for name in sorted(names)}
