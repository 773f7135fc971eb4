"""Commands that work in actors of a real Ray, and the processes of these."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def need_ray() -> None:
    """Skips a module where Ray is not installed."""
    pytest.importorskip("ray", reason="Ray is not installed (requirements/ray.txt)")


def begin(*command: object) -> subprocess.Popen:
    """A script of ``tools/`` at work, in a group of processes of its own."""
    words = [sys.executable, *map(str, command)]
    pipes = dict(
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="surrogateescape",
    )
    env = dict(os.environ, OMP_NUM_THREADS="1")
    env.pop("RAY_ADDRESS", None)
    return subprocess.Popen(words, cwd=ROOT, env=env, **pipes)


def until(condition: Callable[[], object], process: subprocess.Popen) -> None:
    """Waits while a process lives."""
    while not condition():
        if process.poll() is not None:
            pytest.fail(f"it has ended before: {process.communicate()[1]}")
        time.sleep(0.02)


def actors_below(process: int) -> list[int]:
    """Actors at work that a command has started."""
    parents, names = {}, {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = Path("/proc", entry, "stat").read_text()
            names[int(entry)] = Path("/proc", entry, "cmdline").read_bytes()
        except OSError:  # it has ended
            continue
        parents[int(entry)] = int(stat.rpartition(")")[2].split()[1])

    def is_below(one: int) -> bool:
        while one in parents and one != process:
            one = parents[one]
        return one == process

    ours = (one for one, name in names.items() if name.startswith(b"ray::Actor.run"))
    return [one for one in ours if is_below(one)]


def kill_driver_then_actor(
    first: subprocess.Popen,
    again: Callable[[], subprocess.Popen],
    parts: Callable[[], list[Path]],
) -> tuple[subprocess.Popen, str, str]:
    """A run whose driver is killed, and another in which an actor is.

    Args:
        first: At work.
        again: Starts the same command.
        parts: That are there now.

    Returns:
        The second command, which has ended, and what it wrote to its two streams.
    """
    until(parts, first)
    first.kill()
    first.communicate()
    before = {path: path.stat().st_mtime_ns for path in parts()}
    second = again()
    until(lambda: actors_below(second.pid) and len(parts()) > len(before), second)
    until(lambda: actors_below(second.pid), second)
    os.kill(actors_below(second.pid)[0], signal.SIGKILL)
    said = second.communicate()
    assert {path: path.stat().st_mtime_ns for path in before} == before
    return second, *said
