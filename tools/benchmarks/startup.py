"""Row 14: from the command to the first iteration of training.

    python tools/benchmarks/startup.py [--rounds N]

Ours is ``mim train mmstconv CONFIG``, the peer ``mim train mmaction2 CONFIG``: whole
processes, in turn, on one config, a child of the tri-modal demo on 32 of its files. A
hook writes down when the first iteration begins and ends the training. Without a goal:
the two ``train.py`` without mim, and the processor seconds of all processes.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import distribution
from pathlib import Path

from measuring import Result, result, script

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path("work_dirs/bench/startup")
BASE = ROOT / "configs/recognition/demo/stconvnet_lstm_demo-rgb-flow-audio.py"
FILES = dict(train=16, val=8, test=8)
WARMUP = 1  # rounds that are not counted: the first one reads the disk
LIMIT = 120  # seconds for one start

HOOK = """
import time
from pathlib import Path

from mmengine.hooks import Hook
from mmengine.registry import HOOKS


@HOOKS.register_module()
class FirstIteration(Hook):
    def before_train_iter(self, runner, batch_idx, data_batch=None):
        Path({began!r}).write_text(repr(time.time()))
        raise SystemExit(0)
"""
CHILD = """
_base_ = [{base!r}]
custom_imports = dict(imports=["mmstconv", "first_iteration"])
custom_hooks = [dict(type="FirstIteration")]
"""


def prepare(folder: Path) -> Path:
    """The files, the hook and the config that both sides use; its path."""
    data = folder / "data"
    make = [sys.executable, ROOT / "tools/data/make_demo_dataset.py", data]
    counts = [f"--{split}={count}" for split, count in FILES.items()]
    subprocess.run([*make, *counts], check=True, stderr=subprocess.DEVNULL)
    began = str(folder / "began.txt")
    (folder / "first_iteration.py").write_text(HOOK.format(began=began))
    text = CHILD.format(base=str(BASE))
    for split in FILES:
        place = dict(ann_file=str(data / f"{split}.txt"))
        place["data_prefix"] = dict(video=str(data / split))
        place["metainfo"] = dict(classes=str(data / "classes.txt"))
        text += f"{split}_dataloader = dict(dataset={place!r})\n"
    config = folder / "startup.py"
    config.write_text(text)
    return config


def commands(config: Path) -> dict[str, list[str]]:
    """What is started, by name."""
    flags = [str(config), "--work-dir", str(config.parent / "run")]
    mim = [sys.executable, "-m", "mim", "train"]
    theirs = distribution("mmaction2").locate_file("mmaction/.mim/tools/train.py")
    return {
        "mim ours": [*mim, "mmstconv", *flags, "--gpus", "0"],
        "mim peer": [*mim, "mmaction2", *flags, "--gpus", "0"],
        "script ours": [sys.executable, str(ROOT / "tools/train.py"), *flags],
        "script peer": [sys.executable, str(theirs), *flags],
    }


def start(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """Seconds until the first iteration began, and processor seconds until the end."""
    began = folder / "began.txt"
    began.unlink(missing_ok=True)
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    used, start = processor_seconds(), time.time()
    done = subprocess.run(
        command,
        env=dict(os.environ, PYTHONPATH=path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT,
    )
    if done.returncode or not began.exists():
        raise RuntimeError(f"{' '.join(command)}:\n{done.stdout[-4000:]}")
    return float(began.read_text()) - start, processor_seconds() - used


def processor_seconds() -> float:
    """Of all processes that this one has started and that have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def measure(rounds: int = 2) -> Iterator[Result]:
    folder = FOLDER.absolute()
    sides = commands(prepare(folder))
    spent = {name: [] for name in sides}
    for turn in range(-WARMUP, rounds):
        for name in sides if turn % 2 else reversed(list(sides)):
            if turn >= 0 or name.startswith("mim"):
                spent[name].append(start(sides[name], folder))
    for kind, what, goal in (
        ("mim", "mim train to the first iteration", 0.8),
        ("script", "train.py to the first iteration", None),
    ):
        (ours, ours_cpu), (peer, peer_cpu) = (
            zip(*spent[f"{kind} {side}"][-rounds:]) for side in ("ours", "peer")
        )
        yield result("14", what, ours, peer, goal)
        of_all = f"{what}, processor seconds of all processes"
        yield result("14", of_all, ours_cpu, peer_cpu)


if __name__ == "__main__":
    script(measure)
