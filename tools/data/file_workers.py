"""Processes that work on files, one at a time each, and may die of one."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import NamedTuple


class Done(NamedTuple):
    """A job that has ended.

    Args:
        job: As it was given.
        process: Id of the process that worked on it.
        answer: What the work returned; None if the process died.
        exit_code: Of the process if it died; negative for a signal.
    """

    job: object
    process: int
    answer: object
    exit_code: int | None = None


class Worker:
    """A process and the job that it has."""

    def __init__(self, work: Callable) -> None:
        # Forking a process that has threads (torch, OpenCV) may hang: spawn.
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other, work), daemon=True)
        self.process.start()
        other.close()  # else its end would not be seen
        self.job: object = None


def run(
    jobs: Sequence,
    work: Callable,
    workers: int,
    clean_up: Callable[[object, int], None],
) -> Iterator[Done]:
    """Works on jobs in processes; a process that dies is replaced.

    When the caller stops, by an error or Ctrl-C, the processes are ended.

    Args:
        jobs: Picklable.
        work: Called with each one; picklable, as what it returns. What it raises is
            for itself to catch.
        workers: Processes.
        clean_up: Called with a job and a process id when the process was ended within
            the job.
    """
    waiting = iter(jobs)
    with _started(min(workers, len(jobs)), work, clean_up) as team:
        for worker in team:
            _next(worker, waiting)
        while busy := {w.pipe: w for w in team if w.job is not None}:
            for pipe in wait(list(busy)):
                worker = busy[pipe]
                job, process = worker.job, worker.process
                try:
                    answer = pipe.recv()
                except (EOFError, ConnectionError):
                    process.join()
                    clean_up(job, process.pid)
                    worker.job = None
                    team[team.index(worker)] = another = Worker(work)
                    _next(another, waiting)
                    yield Done(job, process.pid, None, process.exitcode)
                else:
                    _next(worker, waiting)
                    yield Done(job, process.pid, answer)


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


def _next(worker: Worker, waiting: Iterator) -> None:
    worker.job = next(waiting, None)
    if worker.job is not None:
        try:
            worker.pipe.send(worker.job)
        except ConnectionError:
            pass  # it has died; reading from it says so


def _serve(pipe, work: Callable) -> None:
    """What a process does, until the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(work(job))
        except ConnectionError:
            return
