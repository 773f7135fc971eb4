"""decord in a process of its own.

Broken files make decord end the process it runs in, and nothing can interrupt it from
within. A child can be killed, and a limit on its memory harms nobody else.
"""

from __future__ import annotations

import atexit
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..trust.limits import PATIENCE
from .child import receive, send

PROGRAM = Path(__file__).with_name("child.py")
START_SECONDS = 60.0
CLOSE_SECONDS = 10.0


class DecordError(Exception):
    """decord failed, complained, or its process ended."""


class DecordProcess:
    """The child that decodes for this process; it is started when first asked.

    It is a plain subprocess, since loader processes may not have children of
    :mod:`multiprocessing`. A forked process gets a child of its own.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._child: subprocess.Popen | None = None
        self._start_clock(None)
        os.register_at_fork(after_in_child=self._forget)
        atexit.register(self._kill)

    def count(self, path: str, seconds: float | None) -> int:
        """The number of frames of a file.

        Args:
            path: A file of this machine.
            seconds: How long it may take; None is no limit.

        Raises:
            DecordError: If decord fails to open the file, or complains about it.
            TimeoutError: If it takes longer.
        """
        with self._lock:
            *_, (last, _) = self._ask(dict(path=path), seconds)
        return last["count"]

    def frames(
        self, path: str, numbers: list[int], together: int, seconds: float | None
    ) -> Iterator[np.ndarray]:
        """Decodes frames by their numbers.

        Args:
            path: A file of this machine.
            numbers: Which frames, rising.
            together: How many frames may be held in memory at once, at full size.
            seconds: How long it may take; None is no limit.

        Yields:
            Arrays ``(up to together, H, W, 3)``.

        Raises:
            DecordError: If decord fails to decode them, or complains about the file.
            TimeoutError: If it takes longer.
        """
        with self._lock:
            request = dict(path=path, frames=numbers, together=together)
            for message, data in self._ask(request, seconds):
                if "shape" in message:
                    yield np.frombuffer(data, np.uint8).reshape(message["shape"])

    def release(self) -> None:
        """Lets go of the file that was used last."""
        with self._lock:
            if self._child is not None and self._child.poll() is None:
                with suppress(DecordError, TimeoutError):
                    list(self._ask(dict(path=None), CLOSE_SECONDS))

    def _ask(
        self, request: dict, seconds: float | None
    ) -> Iterator[tuple[dict, bytes]]:
        """Sends a request and yields the messages of the answer, each with its data.

        The last message has no shape.
        """
        whole = False
        try:
            if self._child is None:
                self._start()
            self._start_clock(seconds)
            send(self._child.stdin, request)
            while True:
                message, data = receive(self._read)
                if "shape" not in message:
                    break
                yield message, data
            whole = True
        except BrokenPipeError:
            raise self._ended() from None
        finally:
            if not whole:  # the rest of the answer would be taken for the next one
                self._kill()
        if "error" in message:
            raise DecordError(message["error"])
        yield message, data

    def _start(self) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-I", str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )
        self._start_clock(START_SECONDS)
        try:
            send(self._child.stdin, dict(sys_path=sys.path))
            receive(self._read)
        except (BrokenPipeError, DecordError, TimeoutError) as error:
            raise RuntimeError("decord's process did not start") from error

    def _read(self, size: int) -> bytes:
        """Reads this many bytes of the answer, within the time allowed."""
        data = bytearray(size)
        view, pipe = memoryview(data), self._child.stdout.raw
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while view:
                left = self._left()
                if left is not None and left <= 0:
                    raise TimeoutError
                if not selector.select(left):
                    continue
                count = pipe.readinto(view)
                if not count:
                    raise self._ended()
                view = view[count:]
        return bytes(data)

    def _start_clock(self, seconds: float | None) -> None:
        """Begins to count the time that an answer takes."""
        self._seconds = seconds
        self._began = time.monotonic()
        self._busy = self._processor_time()

    def _left(self) -> float | None:
        """Seconds that the child may still take: see :class:`Deadline`."""
        if self._seconds is None:
            return None
        waited = time.monotonic() - self._began
        busy = self._processor_time() - self._busy
        return min(self._seconds - busy, PATIENCE * self._seconds - waited)

    def _processor_time(self) -> float:
        """Seconds that the child has used; by the clock if the system does not say."""
        if self._child is None:
            return 0.0
        try:
            with open(f"/proc/{self._child.pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            return time.monotonic()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")

    def _ended(self) -> DecordError:
        """What to raise when the child has ended."""
        code = self._child.wait()
        how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        return DecordError(f"the process that runs decord ended ({how})")

    def _kill(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()
            child.stdout.close()
            with suppress(OSError):  # what it did not read
                child.stdin.close()

    def _forget(self) -> None:
        """Leaves the child to the process that this one was forked from."""
        if self._child is not None:
            self._child.returncode = 0  # or Python would wait for it
        self._child = None
        self._lock = threading.RLock()


PROCESS = DecordProcess()
