"""Processes that die, and a caller that stops."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from mmstconv.disk import file_workers

sys.path.append(str(Path(__file__).parent))
import light_work


def test_a_process_that_dies_loses_one_job():
    cleaned = []
    done = list(
        file_workers.run(
            range(1, 7), light_work.times_ten, 2, lambda *what: cleaned.append(what)
        )
    )
    answers = {one.job: one.answer for one in done}
    assert answers == {1: 10, 2: 20, 3: None, 4: 40, 5: 50, 6: 60}
    (dead,) = [one for one in done if one.answer is None]
    assert dead.exit_code == -signal.SIGSEGV and cleaned == [(3, dead.process)]


def test_the_caller_stops():
    """The processes have ended by then, and what they were at is cleaned up."""
    cleaned = []
    with pytest.raises(KeyboardInterrupt):
        for done in file_workers.run(
            range(1, 9),
            light_work.slow_after_the_first,
            2,
            lambda job, process: cleaned.append((job, process)),
        ):
            assert done.job == 1
            raise KeyboardInterrupt
    assert sorted(job for job, _ in cleaned) == [2, 3]
    for _, process in cleaned:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_no_jobs():
    assert list(file_workers.run([], light_work.times_ten, 4, print)) == []


def test_a_process_that_hangs_loses_one_job():
    cleaned = []
    ended = file_workers.run(
        range(1, 4),
        light_work.slow_after_the_first,
        2,
        lambda job, process: cleaned.append(job),
        limit=lambda job: 0.5 if job == 2 else 60,
    )
    for done in ended:
        if done.job == 2:
            assert done.is_late and done.answer is None
            break
    assert cleaned[0] == 2


def test_a_process_ends_quietly_when_its_caller_was_killed(monkeypatch):
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    ours, other = multiprocessing.Pipe()
    # with an answer that nobody has read
    threading.Thread(target=lambda: other.poll(5) and other.close()).start()
    file_workers._serve(ours, print)
