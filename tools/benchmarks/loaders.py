"""Row 16: loader processes, their memory, and a list of 240,000 files.

    python tools/benchmarks/loaders.py

Both sides through MMEngine's ``Runner.build_dataloader`` with the same samplers and
batches: ours is MultiModalVideoDataset with the tri-modal pipeline, the peer
MMAction2's VideoDataset with its RGB-only one.

* Scaling: the time of an epoch with 2 processes by that with 1, ours by the peer's.
* Memory: what a process has for itself after these epochs (of ``smaps_rollup``).
* The list: from the constructor to a data set that is ready, for files in 400 folders,
  in CPU time. Ours looks whether every file exists, the peer at none. Then what a
  process gains in memory by reading the whole list, which it shares with all others.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import bench_clips
import cv2
import measuring
import pipelines
import torch
from mmaction.registry import DATASETS
from mmaction.utils import register_all_modules
from mmengine.runner import Runner
from threadpoolctl import threadpool_limits

LISTED = Path("work_dirs/bench/listed")
CLASSES = 400
BATCH = 4
SIDES = {"ours": "MultiModalVideoDataset", "stock": "VideoDataset"}


def private_memory(process: int | str = "self") -> float:
    """Megabytes that no other process has; Linux only."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(s.split()[1]) for s in lines if s.startswith("Private_")) / 1024


def build_loader(side: str, ann_file: Path, workers: int):
    """A loader of a side, with persistent processes.

    Args:
        side: One of ``SIDES``.
        ann_file: Names files by absolute paths.
        workers: Processes.
    """
    pipeline = pipelines.trimodal() if side == "ours" else pipelines.stock_rgb()
    dataset = dict(type=SIDES[side], ann_file=str(ann_file), pipeline=pipeline)
    return Runner.build_dataloader(
        dict(
            batch_size=BATCH,
            num_workers=workers,
            persistent_workers=True,
            sampler=dict(type="DefaultSampler", shuffle=False),
            dataset=dataset,
        ),
        seed=0,
    )


def compare_workers(clips: Sequence, repeats: int, rounds: int) -> list:
    """Scaling and memory.

    Args:
        clips: Of ``bench_clips``.
        repeats: How often an epoch has each one.
        rounds: Epochs of each loader.
    """
    ann_file = LISTED.parent / "clips.txt"
    paths = [path.resolve() for path in bench_clips.files(clips)]
    ann_file.write_text("".join(f"{path} 0\n" for path in repeats * paths))
    loaders = {
        (side, workers): build_loader(side, ann_file, workers)
        for side in SIDES
        for workers in (1, 2)
    }
    spent = measuring.alternate(
        {key: _epoch(loader) for key, loader in loaders.items()}, rounds
    )
    scaling = {
        side: [two / one for one, two in zip(spent[side, 1], spent[side, 2])]
        for side in SIDES
    }
    memory = {
        side: [
            private_memory(worker.pid)
            for workers in (1, 2)
            for worker in loaders[side, workers]._iterator._workers
        ]
        for side in SIDES
    }
    samples = len(paths) * repeats
    each = ", ".join(
        f"{side} {workers}: {1000 * statistics.median(times) / samples:.1f}"
        for (side, workers), times in spent.items()
    )
    return [
        measuring.result(
            "16",
            "time of an epoch with 2 loader processes by that with 1",
            scaling["ours"],
            scaling["stock"],
            1.0,
            unit="of the time",
            note=f"ms a sample: {each}",
        ),
        measuring.result(
            "16",
            "private memory of a loader process",
            memory["ours"],
            memory["stock"],
            1.0,
            unit="MB",
            note="quartiles over processes",
        ),
    ]


def _epoch(loader) -> Callable[[], None]:
    def run() -> None:
        for _ in loader:
            pass

    return run


def write_list(lines: int) -> Path:
    """A list of that many empty files, made where they are missing."""
    ann_file = LISTED.with_suffix(".txt")
    names = [
        f"class_{k % CLASSES:03}/video_{k:06}_000010_000020.mp4" for k in range(lines)
    ]
    for k in range(CLASSES):
        (LISTED / f"class_{k:03}").mkdir(parents=True, exist_ok=True)
    there = {f"{p.parent.name}/{p.name}" for p in LISTED.glob("*/*.mp4")}
    for name in names:
        if name not in there:
            open(LISTED / name, "wb").close()
    ann_file.write_text(
        "".join(f"{name} {k % CLASSES}\n" for k, name in enumerate(names))
    )
    return ann_file


def compare_lists(lines: int, rounds: int) -> list:
    """From the constructor to ready, and what reading the list costs a process."""
    common = dict(
        ann_file=str(write_list(lines)),
        data_prefix=dict(video=str(LISTED)),
        pipeline=[],
        num_classes=CLASSES,
    )

    def build(side: str):
        return DATASETS.build(dict(type=SIDES[side], **common))

    spent = measuring.alternate(
        {side: lambda side=side: build(side) for side in SIDES},
        rounds,
        clock=time.process_time,
    )
    datasets = {side: build(side) for side in SIDES}
    gains = {side: [_gain(data)] for side, data in datasets.items()}
    sizes = [datasets[side].data_bytes.nbytes / 1e6 for side in SIDES]
    limit = [1.0] * rounds
    return [
        measuring.result(
            "16",
            f"start with {lines:,} lines, in CPU seconds",
            spent["ours"],
            limit,
            1.0,
            unit="CPU s",
            note="by one second; the next line has the peer",
        ),
        measuring.result(
            "16",
            f"start with {lines:,} lines, every file looked for, by stock, which looks "
            "for none",
            spent["ours"],
            spent["stock"],
            None,
            unit="CPU s",
        ),
        measuring.result(
            "16",
            "private memory a process gains by reading the whole list",
            gains["ours"],
            gains["stock"],
            None,
            unit="MB",
            note=f"the shared list has {sizes[0]:.1f} MB, the peer's {sizes[1]:.1f}",
        ),
    ]


def _gain(data) -> float:
    context = multiprocessing.get_context("fork")
    pipe, other = context.Pipe()
    process = context.Process(target=_read_all, args=(data, other))
    process.start()
    gain = pipe.recv()
    process.join()
    return gain


def _read_all(data, pipe) -> None:
    data.get_data_info(0)
    before = private_memory()
    for index in range(len(data)):
        data.get_data_info(index)
    pipe.send(max(private_memory() - before, 0.01))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=240_000)
    parser.add_argument("--clips", type=int, default=len(bench_clips.WEB))
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args(arguments)
    register_all_modules(init_default_scope=True)
    # as MMEngine's runner sets its processes up, before they start
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    threadpool_limits(1)
    clips = bench_clips.WEB[: args.clips]
    measuring.report(
        [
            *compare_workers(clips, args.repeats, args.rounds),
            *compare_lists(args.lines, args.rounds),
        ]
    )


if __name__ == "__main__":
    main()
