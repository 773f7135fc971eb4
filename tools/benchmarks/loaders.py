"""Row 16: loader processes, their memory, and a list of 240,000 files.

    python tools/benchmarks/loaders.py

Both sides through MMEngine's ``Runner.build_dataloader``: MultiModalVideoDataset with
the tri-modal pipeline, and MMAction2's VideoDataset with its RGB-only one. The time of
an epoch with 2 processes by that with 1, and what a process has for itself after it;
the CPU time until a data set of the list is ready (ours looks for every file), and what
a process gains in memory by reading the whole list.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections import deque
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path

import bench_clips
from measuring import Result, alternate, one_thread, result, script
from mmaction.registry import DATASETS
from mmaction.utils import register_all_modules
from mmengine.runner import Runner
from pipelines import stock_rgb, trimodal

LISTED = Path("work_dirs/bench/listed")
CLASSES = 400
BATCH = 4
SIDES = {"ours": "MultiModalVideoDataset", "stock": "VideoDataset"}


def private_memory(process: int | str = "self") -> float:
    """Megabytes that no other process has; Linux only."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(s.split()[1]) for s in lines if s.startswith("Private_")) / 1024


def build_loader(side: str, ann_file: Path, workers: int):
    """A loader of a side, with persistent processes, of files at absolute paths."""
    pipeline = trimodal() if side == "ours" else stock_rgb()
    dataset = dict(type=SIDES[side], ann_file=str(ann_file), pipeline=pipeline)
    sampler = dict(type="DefaultSampler", shuffle=False)
    loader = dict(batch_size=BATCH, num_workers=workers, persistent_workers=True)
    return Runner.build_dataloader(dict(loader, sampler=sampler, dataset=dataset), 0)


def compare_workers(repeats: int, rounds: int) -> Iterator[Result]:
    """Scaling and memory, with every file so often in an epoch."""
    ann_file = LISTED.with_name("clips.txt")
    paths = [path.resolve() for path in bench_clips.files(bench_clips.WEB)] * repeats
    ann_file.write_text("".join(f"{path} 0\n" for path in paths))
    loaders = {
        (side, workers): build_loader(side, ann_file, workers)
        for side, workers in product(SIDES, (1, 2))
    }
    epochs = {key: partial(deque, loader, 0) for key, loader in loaders.items()}
    spent = alternate(epochs, rounds)
    note = "ms a sample: " + ", ".join(
        f"{side} {workers}: {1000 * statistics.median(times) / len(paths):.1f}"
        for (side, workers), times in spent.items()
    )
    scaling, memory = [], []
    for side in SIDES:
        pairs = zip(spent[side, 1], spent[side, 2])
        scaling.append([two / one for one, two in pairs])
        workers = [x for n in (1, 2) for x in loaders[side, n]._iterator._workers]
        memory.append([private_memory(worker.pid) for worker in workers])
    name = "time of an epoch with 2 loader processes by that with 1"
    yield result("16", name, *scaling, 1.0, unit="of the time", note=note)
    name, note = "private memory of a loader process", "quartiles over processes"
    yield result("16", name, *memory, 1.0, unit="MB", note=note)


def write_list(lines: int) -> Path:
    """A list of that many empty files, made where they are missing."""
    ann_file = LISTED.with_suffix(".txt")
    for k in range(CLASSES):
        (LISTED / f"class_{k:03}").mkdir(parents=True, exist_ok=True)
    there = {f"{p.parent.name}/{p.name}" for p in LISTED.glob("*/*.mp4")}
    with ann_file.open("w") as text:
        for k in range(lines):
            name = f"class_{k % CLASSES:03}/video_{k:06}_000010_000020.mp4"
            text.write(f"{name} {k % CLASSES}\n")
            if name not in there:
                (LISTED / name).touch()
    return ann_file


def compare_lists(lines: int, rounds: int) -> Iterator[Result]:
    """From the constructor to ready, and what reading the list costs a process."""
    prefix = dict(video=str(LISTED))
    common = dict(ann_file=str(write_list(lines)), data_prefix=prefix, pipeline=[])

    def build(side: str):
        return DATASETS.build(dict(type=SIDES[side], num_classes=CLASSES, **common))

    work = {side: partial(build, side) for side in SIDES}
    ours, stock = alternate(work, rounds, clock=time.process_time).values()
    name = f"start with {lines:,} lines"
    note = "by one second; the next line has the peer"
    unit = "CPU s"
    first = f"{name}, in CPU seconds"
    yield result("16", first, ours, [1.0] * rounds, 1.0, unit=unit, note=note)
    second = f"{name}, every file looked for, by stock, which looks for none"
    yield result("16", second, ours, stock, unit=unit)
    datasets = [build(side) for side in SIDES]
    gains = [[_gain(data)] for data in datasets]
    sizes = [data.data_bytes.nbytes / 1e6 for data in datasets]
    name = "private memory a process gains by reading the whole list"
    note = f"the shared list has {sizes[0]:.1f} MB, the peer's {sizes[1]:.1f}"
    yield result("16", name, *gains, unit="MB", note=note)


def _gain(data) -> float:
    """Of a new process, which is forked and so shares the list."""
    pipe, other = multiprocessing.Pipe()
    context = multiprocessing.get_context("fork")
    process = context.Process(target=_read_all, args=(data, other))
    process.start()
    process.join()
    return pipe.recv()


def _read_all(data, pipe) -> None:
    data.get_data_info(0)
    before = private_memory()
    for index in range(len(data)):
        data.get_data_info(index)
    pipe.send(max(private_memory() - before, 0.01))


def measure(
    lines: int = 240_000, repeats: int = 4, rounds: int = 5
) -> Iterator[Result]:
    register_all_modules(init_default_scope=True)
    one_thread()  # as MMEngine's runner sets its processes up, before they start
    yield from compare_workers(repeats, rounds)
    yield from compare_lists(lines, rounds)


if __name__ == "__main__":
    script(measure)
