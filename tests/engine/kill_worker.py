"""Runs that are killed, and runs on a full disk; started by test_kill.py.

    [unshare -rm] python kill_worker.py FOLDER [KILLS] [HOOK]

Prints JSON. One process imports everything and forks a child for each run; it does
nothing with torch itself, for a fork inherits no threads.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import matplotlib.pyplot  # noqa: F401  (this and the next: what a Runner will import)
import torch
import torch._dynamo
from mmaction import registry
from mmengine.hooks import Hook
from mmengine.runner import Runner
from toy_run import toy_config, toy_runner

import mmstconv  # noqa: F401
from mmstconv.checkpoints.reading import read_checkpoint
from mmstconv.disk.unfinished import host

INTERVAL = 3  # iterations between checkpoints
LONGEST = 0.1  # seconds from a step to a kill, at most


class Say(Hook):
    """Tell the parent, in a way that survives the end of this process."""

    priority = "VERY_HIGH"

    def __init__(self, pipe: int):
        self.pipe = pipe

    def say(self, *words):
        os.write(self.pipe, (" ".join(map(str, words)) + "\n").encode())

    def before_train(self, runner):
        self.say("resumed", runner.iter)

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.say("done", runner.iter)


def build(work_dir: Path, pipe: int, hook: str) -> Runner:
    """A run that saves 20 MB every few steps and keeps one checkpoint."""
    cfg = toy_config(
        work_dir,
        model__size=5_000_000,
        optim_wrapper__optimizer__momentum=0,
        train_cfg__max_epochs=100_000,
        default_hooks__checkpoint__by_epoch=False,
        default_hooks__checkpoint__interval=INTERVAL,
        default_hooks__checkpoint__max_keep_ckpts=1,
        default_hooks__checkpoint__type=hook,
        resume=True,
        log_level="ERROR",
    )
    runner = toy_runner(cfg)
    runner.register_hook(Say(pipe))
    return runner


class Run:
    """A run in a process of its own.

    Args:
        prepare: Called there before training begins.
    """

    def __init__(self, work_dir: Path, hook: str, prepare=lambda: None):
        here, there = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(here)
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1), os.dup2(null, 2)
            try:
                runner = build(work_dir, there, hook)
                prepare()
                os.write(there, b"ready\n")
                runner.train()
            except BaseException as error:
                said = f"error {type(error).__name__}: {error}"
                os.write(there, said.replace("\n", " ").encode() + b"\n")
            finally:
                os._exit(0)
        os.close(there)
        self.pipe = os.fdopen(here)
        self.heard = dict(resumed=None, done=None, error=None)

    def listen(self, lines: int | None = None) -> None:
        """Take in so many lines, or all until the process ends."""
        while lines is None or lines > 0:
            word, _, rest = self.pipe.readline().strip().partition(" ")
            if word == "":
                break
            if word != "ready":
                self.heard[word] = rest if word == "error" else int(rest)
            lines = None if lines is None else lines - 1

    def end(self) -> dict:
        """Wait for its end; what it said."""
        self.listen()
        os.waitpid(self.pid, 0)
        self.pipe.close()
        return self.heard


def kill_often(folder: Path, kills: int, hook: str) -> list[dict]:
    """What each run said before it was killed, and one more that goes on from the last.

    A run is killed some steps and milliseconds after it began to train, or, with no
    steps, while it still reads the checkpoint.
    """
    draw = random.Random()
    work_dir = folder / "killed"
    rows = []
    for kill in range(kills + 1):
        run = Run(work_dir, hook)
        run.listen(1 + draw.randint(0, 2 * INTERVAL + 2))
        time.sleep(draw.uniform(0, LONGEST))
        if kill == kills:
            run.listen(8)
        os.kill(run.pid, signal.SIGKILL)
        rows.append(run.end())
        rows[-1]["unfinished"] = [path.name for path in work_dir.glob("*.unfinished")]
        if rows[-1]["error"]:  # for the counts of another hook
            shutil.rmtree(work_dir)
    return rows


def fill_disk(folder: Path) -> dict:
    """A run on a disk that has room for one checkpoint and a half, and one more."""
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=30m", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, capture_output=True).returncode == 0
    work_dir = disk / "run"

    def limit():  # where nothing can be mounted: no room for any further one
        if not mounted and work_dir.exists() and any(work_dir.glob("iter_*")):
            resource.setrlimit(resource.RLIMIT_FSIZE, (10_000_000, 10_000_000))

    if not mounted:
        run = Run(work_dir, "AtomicCheckpointHook")
        run.listen(2 + INTERVAL + 1)  # ready, resumed, and the steps up to a checkpoint
        os.kill(run.pid, signal.SIGKILL)
        run.end()
    first = Run(work_dir, "AtomicCheckpointHook", limit).end()
    first["files"] = sorted(path.name for path in work_dir.glob("iter_*"))
    first["pointer"] = (work_dir / "last_checkpoint").read_text()
    again = Run(work_dir, "AtomicCheckpointHook", limit).end()
    return dict(first=first, again=again)


def two_processes(folder: Path) -> list[list[dict]]:
    """Two that resume together: the newest checkpoint is broken, then all are."""
    work_dir = folder / "two"
    run = Run(work_dir, "AtomicCheckpointHook")
    run.listen(2 + INTERVAL + 1)
    os.kill(run.pid, signal.SIGKILL)
    run.end()
    (whole,) = work_dir.glob("iter_*.pth")
    (work_dir / "iter_999.pth").write_bytes(whole.read_bytes()[:-1000])
    (work_dir / "last_checkpoint").write_text("iter_999.pth")
    rows = []
    for store in ("broken", "all_broken"):

        def join(rank: int, store: str = store) -> None:
            torch.distributed.init_process_group(
                "gloo", init_method=f"file://{folder / store}", rank=rank, world_size=2
            )

        runs = [
            Run(work_dir, "AtomicCheckpointHook", partial(join, rank))
            for rank in range(2)
        ]
        for run in runs:
            run.listen(2)
        for run in runs:
            os.kill(run.pid, signal.SIGKILL)
        rows.append([run.end() for run in runs])
        whole.write_bytes(b"")
    return rows


def beside(folder: Path) -> dict:
    """A second run is started in the folder of one that is at work; then this ends."""
    work_dir = folder / "beside"
    first = Run(work_dir, "AtomicCheckpointHook")
    first.listen(2 + INTERVAL + 1)
    gone = os.fork()
    if gone == 0:
        os._exit(0)
    os.waitpid(gone, 0)
    files = {
        who: work_dir / f".{who}.pth.{where}.{pid}.unfinished"
        for who, where, pid in (
            ("first", host(), first.pid),
            ("gone", host(), gone),
            ("elsewhere", "another-machine", gone),
        )
    }
    for path in files.values():
        path.write_bytes(b"half")
    second = Run(work_dir, "AtomicCheckpointHook").end()
    there = [who for who, path in files.items() if path.exists()]
    first.listen(4 * INTERVAL)  # it goes on
    read, errors = 0, []
    while read < 10:  # what a test does beside a training that replaces its files
        for path in work_dir.glob("iter_*.pth"):
            try:
                read_checkpoint(path)
                read += 1
            except FileNotFoundError:
                pass
            except Exception as error:
                errors.append(repr(error))
                read += 1
    os.kill(first.pid, signal.SIGKILL)
    said = first.end()
    third = Run(work_dir, "AtomicCheckpointHook")
    third.listen(3)
    os.kill(third.pid, signal.SIGKILL)
    return dict(
        pid=first.pid,
        first=said,
        second=second,
        there=there,
        errors=errors,
        third=third.end(),
        left=[who for who, path in files.items() if path.exists()],
    )


def lose_folder(folder: Path) -> dict:
    """The work dir of a run is deleted, and another one's is replaced by a file."""
    said = {}
    for way in ("deleted", "replaced"):
        work_dir = folder / way
        run = Run(work_dir, "AtomicCheckpointHook", partial(_into, folder / "tmp"))
        run.listen(2 + INTERVAL + 1)
        for _ in range(100):  # it may write there meanwhile
            try:
                shutil.rmtree(work_dir)
                if way == "replaced":
                    work_dir.write_bytes(b"mine")
                break
            except OSError:
                pass
        if way == "deleted":
            run.listen(3 * INTERVAL)
            os.kill(run.pid, signal.SIGKILL)
        said[way] = run.end()
        if way == "replaced":
            said["mine"] = work_dir.read_text()
            again = Run(work_dir, "AtomicCheckpointHook").end()
            said["started"] = again["error"]
    said["files"] = sorted(path.name for path in (folder / "deleted").glob("iter_*"))
    said["saved"] = [
        read_checkpoint(path)["meta"]["iter"] for path in (folder / "tmp").glob("*/*")
    ]
    return said


def _into(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    tempfile.tempdir = str(folder)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    hook = sys.argv[3] if len(sys.argv) > 3 else "AtomicCheckpointHook"
    for name in ("MODELS", "DATASETS", "HOOKS", "LOOPS", "VISUALIZERS"):
        getattr(registry, name).import_from_location()  # once, not in each child
    begin = time.monotonic()
    said = dict(killed=kill_often(folder, kills, hook))
    said["seconds"] = time.monotonic() - begin
    if hook == "AtomicCheckpointHook":
        said.update(full=fill_disk(folder), two=two_processes(folder))
        said.update(beside=beside(folder), lost=lose_folder(folder))
    print(json.dumps(said))
