"""One process at a time in a folder."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
import weakref
from collections.abc import Callable
from pathlib import Path

from .unfinished import host

NAME = ".mmstconv_lock"
# What a file system says that has no such locks.
UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}

_held: weakref.WeakValueDictionary[str, FolderLock] = weakref.WeakValueDictionary()


class FolderInUse(OSError):
    """Another process works in a folder; names it."""


class FolderLock:
    """Holds a folder for this process until it is released or ends, however that ends.

    The kernel releases the lock of a process that is killed, so none is ever left
    behind. A process that holds the folder already may hold it again. Processes that it
    forks do not hold it. Where the file system has no locks, ``warn`` is told and the
    folder is not held.

    Args:
        folder: Made if it is not there.
        work: What is done there, for the message: "a training".
        advice: What the reader of the message can do.
        warn: Told what cannot be done here.
        part: Of the work; each part holds the folder for itself.

    Raises:
        FolderInUse: Another process holds it; says which, where and since when.
        OSError: The folder, or a file in it, cannot be written; names it.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        work: str,
        advice: str,
        warn: Callable[[str], None] = lambda text: None,
        part: str = "",
    ) -> None:
        self.path = Path(folder, f"{NAME}.{part}" if part else NAME)
        self.file: int | None = None
        self._shared: FolderLock | None = None
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
            key = os.path.realpath(self.path)
            self._shared = _held.get(key)
            if self._shared is not None and self._shared.file is not None:
                return
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            self.file = os.open(self.path, flags, 0o666)
        except OSError as error:
            raise OSError(
                error.errno,
                f"{folder} cannot be written to: {error.strerror}"
                + (f" ({error.filename})" if error.filename else ""),
            ) from error
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = self._holder()
            self.release()
            if error.errno not in UNSUPPORTED:
                raise FolderInUse(
                    f"{folder}: {work} is running there already ({holder}). {advice}"
                ) from None
            warn(
                f"{folder}: this file system has no locks ({error.strerror}); see to "
                "it that nothing else is running there"
            )
            return
        _held[key] = self
        self._sign(work)

    def release(self) -> None:
        """Lets others have the folder; the lock's file stays, empty."""
        self._shared = None
        if self.file is None:
            return
        file, self.file = self.file, None
        try:
            os.close(file)
        except OSError:
            pass

    def __del__(self) -> None:
        if getattr(self, "file", None) is not None:
            self.release()

    def _sign(self, work: str) -> None:
        """Says who holds it, for the message to others; the lock holds without."""
        started = time.strftime("%Y-%m-%d %H:%M:%S")
        text = json.dumps(
            dict(work=work, process=os.getpid(), host=host(), since=started)
        )
        try:
            os.ftruncate(self.file, 0)
            os.pwrite(self.file, text.encode(), 0)
        except OSError:
            pass

    def _holder(self) -> str:
        try:
            one = json.loads(os.pread(self.file, 4096, 0))
            return f"process {one['process']} on {one['host']} since {one['since']}"
        except (OSError, ValueError, TypeError, KeyError):
            return "by a process that has not said which"


def _let_go_in_a_child() -> None:
    """A loader process that outlives its parent for a while must not hold on."""
    for lock in list(_held.values()):
        lock.release()


os.register_at_fork(after_in_child=_let_go_in_a_child)
