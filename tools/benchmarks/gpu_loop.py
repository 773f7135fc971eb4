"""A short training as ``tools/train.py`` runs it, and when the device waits in it."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from pipelines import without_tests

WARMUP = 5  # iterations that are not counted
ITERATIONS = 20


class Clock(Hook):
    """Marks begin and end of each step in the device's own stream of work."""

    priority = "VERY_HIGH"  # the end is marked before others wait for the losses

    def __init__(self, device: torch.device) -> None:
        self.cuda = device.type == "cuda"
        self.marks: list = []  # begin, end, begin, end ...

    def before_train_iter(self, *args, **kwargs) -> None:
        mark = time.perf_counter()
        if self.cuda:
            mark = torch.cuda.Event(enable_timing=True)
            mark.record()
        self.marks.append(mark)

    after_train_iter = before_train_iter

    def read(self, warmup: int) -> tuple[list[float], list[float]]:
        """Seconds between and of the steps after the first ``warmup`` ones."""
        if self.cuda:
            torch.cuda.synchronize()
        spans = [
            first.elapsed_time(second) / 1000 if self.cuda else second - first
            for first, second in pairwise(self.marks[2 * warmup + 1 :])
        ]
        return spans[::2], spans[1::2]


def waiting(
    config: Path,
    media: Sequence[Path],
    work_dir: Path,
    device: torch.device,
    tiny: bool = False,
    compiled: bool = False,
) -> SimpleNamespace:
    """Train on a few files again and again; nothing is validated or saved.

    Returns:
        Seconds of each counted iteration: ``gaps`` between steps, in which the device
        had nothing to do, and ``busy``, of the steps; ``waited_for_data``, the share of
        the time by the loop's own timer.
    """
    warmup, iterations = (1, 4) if tiny else (WARMUP, ITERATIONS)
    workers = 0 if tiny else max(len(os.sched_getaffinity(0)) - 1, 1)
    batch_size = 2 if tiny else 32
    work_dir.mkdir(parents=True, exist_ok=True)
    labels = [k % len(media) for k in range(batch_size)]
    rows = [f"{media[label].resolve()} {label}" for label in labels]
    (work_dir / "list.txt").write_text("\n".join(rows * iterations) + "\n")
    cfg = Config.fromfile(config)
    cfg.work_dir = str(work_dir)
    if compiled:
        cfg.compile = dict(backend="eager") if tiny else True
    cfg.log_level = "WARNING"
    cfg.train_cfg.max_epochs = 1
    without_tests(cfg)
    off = dict(interval=-1, save_best=None, save_last=False)
    cfg.default_hooks.checkpoint.update(off)
    loader = cfg.train_dataloader
    pinned = device.type == "cuda"
    loader.update(batch_size=batch_size, num_workers=workers, pin_memory=pinned)
    loader.persistent_workers = workers > 0
    loader.dataset.update(
        ann_file=str(work_dir / "list.txt"), data_prefix={}, allow_outside=True
    )
    runner = Runner.from_cfg(cfg)
    found = next(runner.model.parameters()).device.type
    if found != device.type:
        raise RuntimeError(f"MMEngine trains on {found}, expected {device.type}")
    clock = Clock(device)
    runner.register_hook(clock)
    runner.train()
    gaps, busy = clock.read(warmup)
    clock.marks.clear()  # a loader process of the next runner must not end them
    history = runner.message_hub.log_scalars
    data_times, times = (
        [float(value) for value in history[f"train/{key}"].data[0][warmup + 1 :]]
        for key in ("data_time", "time")
    )
    del runner
    gc.collect()
    return SimpleNamespace(
        gaps=gaps,
        busy=busy,
        waited_for_data=sum(data_times) / sum(times),
        workers=workers,
        batch_size=batch_size,
    )
