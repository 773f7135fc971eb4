"""Broken files: never a crash, a hang, or a wrong result without a flag."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from helpers_fuzz import CORPUS, write_corpus

CHILD = Path(__file__).with_name("fuzz_child.py")
ROOT = Path(__file__).resolve().parents[2]
DECORD = [name for name in CORPUS if name.endswith((".mp4", ".mov", ".mkv", ".webm"))]


class Child:
    """A process that reads files; what it says arrives with a time limit."""

    def __init__(self, reader: str, folder: Path, jobs: list[str]) -> None:
        paths = [str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
        self.errors = open(folder / "stderr.txt", "w+")
        self.process = subprocess.Popen(
            [sys.executable, CHILD, reader, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        self.lines: queue.Queue = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        threading.Thread(target=self._ask, args=(jobs,), daemon=True).start()

    def _ask(self, jobs: list[str]) -> None:
        try:
            self.process.stdin.write("\n".join(jobs) + "\n")
            self.process.stdin.close()
        except BrokenPipeError:
            pass

    def _listen(self) -> None:
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def end(self) -> str:
        """Ends it, and tells how it ended."""
        self.process.kill()
        self.process.wait()
        self.errors.seek(0)
        return self.errors.read()[-2000:]


def fuzz(
    reader: str, folder: Path, jobs: list[str], seconds: float = 20.0
) -> tuple[Counter, list[str]]:
    """Reads the mutated files in child processes; a new one after a crash or a hang.

    Args:
        reader: For ``fuzz_child.py``.
        folder: With the whole files.
        jobs: ``name seed`` each.
        seconds: A file may take.

    Returns:
        How often each (file, outcome) occurred, and what must not happen.
    """
    counts: Counter = Counter()
    failures: list[str] = []
    while jobs:
        child, job, done = Child(reader, folder, jobs), "start", 0
        while done < len(jobs):
            try:
                line = child.lines.get(timeout=60 if job == "start" else seconds)
            except queue.Empty:
                child.end()
                failures.append(f"{job}: no answer within {seconds} s")
                done += 1
                break
            if line is None:
                failures.append(f"{job}: the process died\n{child.end()}")
                done += 1
                break
            if "job" in line:
                job = line["job"]
                continue
            done += 1
            if "failure" in line:
                failures.append(f"{job}: {line['failure']}")
            else:
                counts[job.split()[0], line["outcome"]] += 1
        child.end()
        jobs = jobs[done:]
    return counts, failures


def table(counts: Counter) -> str:
    """Counts by container and outcome."""
    outcomes = sorted({outcome for _, outcome in counts})
    lines = [" | ".join(["file", *outcomes])]
    for name in [n for n in CORPUS if any(key[0] == n for key in counts)]:
        lines.append(" | ".join([name, *(str(counts[name, o]) for o in outcomes)]))
    totals = (sum(v for (_, o), v in counts.items() if o == k) for k in outcomes)
    return "\n".join([*lines, " | ".join(["total", *map(str, totals)])])


def check(reader: str, folder: Path, names: list[str], count: int) -> Counter:
    """Fuzzes with so many files in turn, and prints the counts."""
    write_corpus(folder, names)
    jobs = [f"{names[number % len(names)]} {number}" for number in range(count)]
    counts, failures = fuzz(reader, folder, jobs)
    print(f"\n{count} mutated files, reader {reader}\n{table(counts)}")
    assert not failures, "\n".join(failures)
    assert sum(counts.values()) == count
    # What a change of a bit or two can hide where nothing is summed up (WebM).
    lost = {name: n for (name, how), n in counts.items() if how.startswith("ok, lost")}
    assert sum(lost.values()) <= count // 1000, f"lost without a word: {lost}"
    return counts


def share(counts: Counter, outcome: str) -> float:
    """Of the files that were read: how many came out so."""
    read = {key: n for key, n in counts.items() if key[1].startswith(("ok", "flag"))}
    found = sum(n for (_, other), n in read.items() if other.startswith(outcome))
    return found / max(sum(read.values()), 1)


def test_mutated_files(tmp_path):
    counts = check("pyav", tmp_path, list(CORPUS), 100)
    outcomes = {outcome for _, outcome in counts}
    assert {"ok", "flagged, differs", "UnreadableMediaError"} <= outcomes


def test_failures_would_be_seen(tmp_path):
    """The same, with a child that really does what no file should make it do."""
    write_corpus(tmp_path, ["pcm.wav"])
    jobs = [f"pcm.wav {seed}" for seed in (0, "bad", "raise", 1, "hang", "crash")]
    counts, failures = fuzz("pyav", tmp_path, jobs, seconds=2)
    assert sum(counts.values()) == 2
    expected = ["AssertionError", "KeyError", "no answer within 2 s", "process died"]
    assert len(failures) == len(expected)
    for job, failure, what in zip([*jobs[1:3], *jobs[4:]], failures, expected):
        assert failure.startswith(f"{job}: ") and what in failure


@pytest.mark.slow
@pytest.mark.parametrize("reader", ["pyav", "bytes", "decord"])
def test_many_mutated_files(tmp_path, reader):
    """What no checksum covers and no decoder notices comes out without a flag."""
    names = DECORD if reader == "decord" else list(CORPUS)
    counts = check(reader, tmp_path, names, 1000 if reader == "bytes" else 3000)
    print(f"changed visibly without a flag: {share(counts, 'ok, differs'):.1%}")
    if reader == "decord":
        assert share(counts, "ok (decord)") > 0.1
