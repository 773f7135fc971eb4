"""Processes that work on files, one at a time each, and may die of one."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import NamedTuple

STARTED = "the process has started"


class Done(NamedTuple):
    """A job that has ended.

    Args:
        job: As it was given.
        process: Id of the process that worked on it.
        answer: What the work returned; None if the process died.
        exit_code: Of the process if it died; negative for a signal.
        is_late: Whether it took longer than it may, and its process was ended.
    """

    job: object
    process: int
    answer: object
    exit_code: int | None = None
    is_late: bool = False

    @property
    def death(self) -> str:
        """Why there is no answer, where the process was not ended here."""
        return f"the decoder ended its process ({self.exit_code})"


class Worker:
    """A process and the job that it has.

    Forking this process may hang where it has threads (torch, OpenCV). So it is forked
    from one that does nothing but import what the work needs, once for all.
    """

    def __init__(self, work: Callable) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["mmstconv", _module_of(work)])
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other, work), daemon=True)
        self.process.start()
        other.close()  # else its end would not be seen
        self.job: object = None
        self.has_started = False  # until then it imports what the work needs
        self.ends = math.inf  # when the job must be done, by time.monotonic()
        self.is_late = False

    def start_clock(self, limit: Callable[[object], float]) -> None:
        self.has_started = True
        self.ends = time.monotonic() + limit(self.job)

    def give(self, job: object, limit: Callable[[object], float]) -> None:
        """Hands over a job; None is none."""
        self.job = job
        if job is None:
            return
        if self.has_started:
            self.start_clock(limit)
        try:
            self.pipe.send(job)
        except ConnectionError:
            pass  # it has died; reading from it says so

    def end_if_late(self) -> None:
        if not self.is_late and time.monotonic() > self.ends:
            self.is_late = True
            self.process.kill()  # reading from it will say that it has died


def run(
    jobs: Sequence,
    work: Callable,
    workers: int,
    clean_up: Callable[[object, int], None],
    limit: Callable[[object], float] = lambda job: math.inf,
) -> Iterator[Done]:
    """Works on jobs in processes; a process that dies, or hangs, is replaced.

    When the caller stops, by an error or Ctrl-C, the processes are ended.

    Args:
        jobs: Picklable.
        work: Called with each one; picklable, as what it returns. What it raises is
            for itself to catch.
        workers: Processes; 0 works in this one, which dies of what kills a process.
        clean_up: Called with a job and a process id when the process was ended within
            the job.
        limit: Seconds by the clock that a job may take; then its process is ended.
    """
    if workers == 0:
        yield from (Done(job, os.getpid(), work(job)) for job in jobs)
        return
    waiting = iter(jobs)
    with _started(min(workers, len(jobs)), work, clean_up) as team:
        for worker in team:
            worker.give(next(waiting, None), limit)
        while busy := {w.pipe: w for w in team if w.job is not None}:
            for pipe in _ready(busy):
                worker = busy[pipe]
                job, process = worker.job, worker.process
                try:
                    answer, died = pipe.recv(), False
                except (EOFError, ConnectionError):
                    answer, died = None, True
                if answer == STARTED:
                    worker.start_clock(limit)
                    continue
                if died or worker.is_late:
                    process.join()
                    worker.job = None
                    if died:
                        clean_up(job, process.pid)
                    team[team.index(worker)] = worker = Worker(work)
                worker.give(next(waiting, None), limit)
                code = process.exitcode if died else None
                late = died and busy[pipe].is_late
                yield Done(job, process.pid, answer, code, late)


def _ready(busy: Mapping[object, Worker]) -> list:
    """Pipes with an answer, or of a process that has died; ends those that hang."""
    first = min(worker.ends for worker in busy.values()) - time.monotonic()
    ready = wait(list(busy), None if math.isinf(first) else max(first, 0))
    for pipe, worker in busy.items():
        if pipe not in ready:
            worker.end_if_late()
    return ready


@contextmanager
def _started(count: int, work: Callable, clean_up: Callable) -> Iterator[list[Worker]]:
    team: list[Worker] = []
    try:
        for _ in range(count):
            team.append(Worker(work))
        yield team
    finally:
        for worker in team:
            worker.process.terminate()
        for worker in team:
            worker.process.join()
            if worker.job is not None:
                clean_up(worker.job, worker.process.pid)


def _module_of(work: Callable) -> str:
    return getattr(work, "func", work).__module__


def _serve(pipe, work: Callable) -> None:
    """What a process does, until the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    pipe.send(STARTED)
    while True:
        try:
            job = pipe.recv()
        except (EOFError, ConnectionError):  # the latter if it was killed
            return
        try:
            pipe.send(work(job))
        except ConnectionError:
            return
