"""Files that may be written: new ones, and those that were written here before.

Each folder that is written to has a record (:data:`RECORD`) of what each file in it was
when it was written. A file that is not in it, or that somebody has changed since, is
the user's, and is never replaced.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from .unfinished import unfinished_path

RECORD = ".mmstconv_written"
SHOWN = 20
BLOCK = 1 << 20


class ForeignFile(FileExistsError):
    """A file would be replaced that was not written here; names all such files."""


def refuse_foreign(
    paths: Iterable[str | os.PathLike],
    folder: str | os.PathLike | None = None,
    advice: str = "move or delete it, or write to another place",
) -> None:
    """To be called before the first of some files is written.

    Args:
        paths: What is going to be written.
        folder: Whose record counts; None: of the folder that each lies in.
        advice: What the reader of the message can do.

    Raises:
        ForeignFile: Some are there and were not written here; nothing was touched.
    """
    foreign = [
        os.fspath(path)
        for path in paths
        if os.path.lexists(path) and not is_own(path, folder)
    ]
    if not foreign:
        return
    if len(foreign) == 1:
        raise ForeignFile(
            f"{foreign[0]} is there and was not written by this tool, or was changed "
            f"since: {advice}"
        )
    rest = len(foreign) - SHOWN
    more = [f"... and {rest} more"] if rest > 0 else []
    raise ForeignFile(
        f"{len(foreign)} files are there and were not written by this tool, or were "
        "changed since; nothing was written:\n  "
        + "\n  ".join([*foreign[:SHOWN], *more])
        + f"\n{advice.replace(' it,', ' them,')}"
    )


def is_own(path: str | os.PathLike, folder: str | os.PathLike | None = None) -> bool:
    """Whether a file is what was written here under this name.

    Args:
        path: Of a file. A link is never own.
        folder: Whose record counts; None: of the folder that it lies in.
    """
    path = Path(path)
    if path.is_symlink() or not path.is_file():
        return False
    known = recorded(path, folder)
    return bool(known) and file_digest(path) in known


@contextmanager
def own_file(
    path: str | os.PathLike, folder: str | os.PathLike | None = None
) -> Iterator[Path]:
    """Writes a file whole or not at all, and never over one that is not own.

    Args:
        path: Of the file.
        folder: Whose record it goes into; None: of the folder that it lies in.

    Yields:
        Where to write it; it moves to ``path`` when the block ends without an error.

    Raises:
        ForeignFile: There is another file of that name, now or when the block ends.
        FileNotFoundError: The folder does not exist.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(
            errno.ENOENT, f"the folder does not exist: {path.parent}"
        )
    refuse_foreign([path], folder)
    part = unfinished_path(path)
    part.unlink(missing_ok=True)  # of a process of this id, which is gone
    try:
        # now, so that what is there by then is not written through, as a link would be
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        yield part
        # The record first: between the two there is no file that nobody knows.
        note(path, folder, file_digest(part))
        publish(part, path, folder)
    except OSError as error:
        say_where(error, path)
        raise
    finally:
        part.unlink(missing_ok=True)


def say_where(error: OSError, path: str | os.PathLike) -> None:
    """Adds a path to what a full disk says, which is not where."""
    if error.filename is None and error.errno is not None:
        error.filename = os.fspath(path)


def publish(part: Path, path: Path, folder: str | os.PathLike | None) -> None:
    """Moves a file to its name; whatever has appeared there since is looked at."""
    if os.path.lexists(path):
        refuse_foreign([path], folder)
        os.replace(part, path)
        return
    try:
        os.link(part, path)  # unlike a rename, it never replaces anything
    except FileExistsError:
        refuse_foreign([path], folder)
        os.replace(part, path)
    except OSError:  # a file system without hard links
        os.replace(part, path)


def write_own(path: str | os.PathLike, text: str) -> None:
    """:func:`own_file` for a text, as UTF-8; names that are none keep their bytes."""
    with own_file(path) as part:
        part.write_bytes(text.encode("utf-8", "surrogateescape"))


def write_own_json(path: str | os.PathLike, content: object, **options) -> None:
    """:func:`own_file` for JSON, in which no letter is an escape where none has to be.

    Args:
        path: Of the file.
        content: Of JSON's types. Of names that are no text, bytes are escapes
            (``\\udcff``), as JSON is text; Python reads the same name.
        **options: Of ``json.dumps``.
    """
    text = json.dumps(content, ensure_ascii=False, **options)
    if any("\ud800" <= letter <= "\udfff" for letter in set(text)):
        text = json.dumps(content, **options)
    write_own(path, text + "\n")


def recorded(path: Path, folder: str | os.PathLike | None) -> set[str]:
    """All that was ever written under this name: digests.

    The last one may not have reached its name, if the process was killed.
    """
    record, name = _place(path, folder)
    return set(_known(record).get(name, ()))


class _Read(NamedTuple):
    """What was read of a record.

    Args:
        record: Where it is.
        size: Bytes that were read.
        last: The last line of them.
        names: What they say, ``{name: digests}``.
    """

    record: Path
    size: int
    last: bytes
    names: dict[str, set[str]]


_last = _Read(Path(), 0, b"", {})


def _known(record: Path) -> dict[str, set[str]]:
    """All names of a record: it may have very many, and is asked for each of them.

    It only grows, so that of the one that was asked last only what is new is read.
    """
    global _last
    record, read = Path(os.path.abspath(record)), _last
    try:
        with record.open("rb") as file:
            file.seek(read.size - len(read.last))
            if read.record != record or file.read(len(read.last)) != read.last:
                read = _Read(record, file.seek(0), b"", {})
            content = file.read()
    except OSError:
        return {}
    whole = content[: content.rfind(b"\n") + 1]
    last = whole[whole.rfind(b"\n", 0, -1) + 1 :] or read.last
    for line in content.splitlines():
        try:
            name, digest = json.loads(line)
            read.names.setdefault(name, set()).add(digest)
        except (ValueError, TypeError):  # cut off when the machine went down
            continue
    _last = read._replace(size=read.size + len(whole), last=last)
    return read.names


def note(path: Path, folder: str | os.PathLike | None, digest: str) -> None:
    """Writes down what is going to be written under a name, before it is there."""
    record, name = _place(path, folder)
    line = json.dumps([name, digest]).encode() + b"\n"
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    try:
        file = os.open(record, flags, 0o666)
    except OSError as error:
        raise OSError(
            error.errno, f"{record} cannot be written: {error.strerror}"
        ) from error
    try:
        # A line in one go, so that those of other processes do not get into it.
        line = b"\n" + line if _is_cut_off(record) else line
        while line := line[os.write(file, line) :]:
            pass  # a full disk takes a part first, and then says so
    except OSError as error:
        say_where(error, record)
        raise
    finally:
        os.close(file)


def _is_cut_off(record: Path) -> bool:
    with record.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _place(path: Path, folder: str | os.PathLike | None) -> tuple[Path, str]:
    folder = path.parent if folder is None else Path(folder)
    return folder / RECORD, Path(os.path.relpath(path, folder)).as_posix()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
