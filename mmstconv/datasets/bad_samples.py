"""Samples that cannot be used: which errors mean that, and who works on which."""

from __future__ import annotations

import errno
import faulthandler
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

import torch
from torch.utils.data import get_worker_info

from mmstconv.media import MediaError
from mmstconv.media.decord.child import limit_memory
from mmstconv.media.trust.limits import PATIENCE

from .annotation import listed

# Errors of the machine, not of the file: the next sample would fail as well. ENOMEM is
# not among them: FFmpeg gives it for sizes that a broken file states, and where memory
# really ends Python raises MemoryError.
MACHINE = {errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT}
SLOTS = 1024
# Bytes of address space that a loader process may take on top of what it has at first.
WORKER_MEMORY = 8 << 30


class BadDataError(RuntimeError):
    """Too many samples cannot be used; the message lists some, with reasons."""


def is_of_the_sample(error: BaseException) -> bool:
    """Whether an error tells of a bad file and not of a mistake in the program.

    Those are any ``MediaError`` and any ``OSError``, unless the machine has run out of
    space or file descriptors.
    """
    if not isinstance(error, (MediaError, OSError)):
        return False
    cause: BaseException | None = error
    while cause is not None:
        if getattr(cause, "errno", None) in MACHINE:
            return False
        cause = cause.__cause__
    return True


def reason_of(error: BaseException, filename: str) -> str:
    """The message of an error about a file, without the file's name before it."""
    text = str(error) or type(error).__name__
    return text[len(filename) + 2 :] if text.startswith(f"{filename}: ") else text


def named(records: Sequence[tuple[str, str]]) -> str:
    """``path: reason`` a line, without repetition; only the first if there are many."""
    return listed([f"  {path}: {reason}" for path, reason in dict.fromkeys(records)])


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Ends this process if the block takes too long; see ``WorkerBoard.working_on``."""
    if seconds is None:
        yield
        return
    error = sys.__stderr__
    faulthandler.dump_traceback_later(PATIENCE * seconds, exit=True, file=error)
    by_use = hasattr(signal, "setitimer")  # not on Windows
    if by_use:
        faulthandler.register(signal.SIGPROF, file=error, chain=True)
        signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        if by_use:
            signal.setitimer(signal.ITIMER_PROF, 0)
            faulthandler.unregister(signal.SIGPROF)
        faulthandler.cancel_dump_traceback_later()


@lru_cache(maxsize=1)
def limit_worker() -> None:
    """Keeps this loader process from taking all memory, whatever a file makes it do."""
    limit_memory(WORKER_MEMORY)


class WorkerBoard:
    """Memory that a data set shares with the loader processes that have a copy of it.

    How many bad samples in a row may be replaced (0: none), and the sample that each
    process works on. In shared memory, so it does not matter which came first, the
    processes or the setting, and a dead process can be asked.
    """

    def __init__(self) -> None:
        self._limit = torch.zeros(1, dtype=torch.int64).share_memory_()
        # process id and 1 + index of the sample, 0 between samples
        self._slots = torch.zeros(SLOTS, 2, dtype=torch.int64).share_memory_()

    @property
    def max_in_a_row(self) -> int:
        return int(self._limit)

    @max_in_a_row.setter
    def max_in_a_row(self, value: int) -> None:
        self._limit[0] = value

    @contextmanager
    def working_on(self, index: int, seconds: float | None) -> Iterator[None]:
        """Enters the sample; in a loader process, ends the process after a time.

        A decoder that never returns to Python cannot be interrupted. ``faulthandler``
        prints where it hangs and the process ends, and the trainer hears of that.

        Args:
            index: Of the sample.
            seconds: Of processor time that the process may use, and ``PATIENCE`` times
                as many by the clock; None: no limit.
        """
        worker = get_worker_info()
        if worker is None:
            yield
            return
        slot = self._slots[worker.id % SLOTS]
        slot[0], slot[1] = os.getpid(), index + 1
        limit_worker()
        try:
            with time_limit(seconds):
                yield
        finally:
            slot[1] = 0

    def indices(self, pids: Sequence[int]) -> list[int]:
        """The samples that processes work on, or worked on when they died."""
        return [
            index - 1 for pid, index in self._slots.tolist() if pid in pids and index
        ]
