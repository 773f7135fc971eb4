"""How fast this machine loads a config's data and trains its model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from mmaction.registry import MODELS
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from ..engine.configs import read_config


class Speed(NamedTuple):
    """What :func:`bench` measures, in samples a second but for ``waiting``.

    Args:
        loading: Of the training data, while nothing else runs.
        step: Of training steps on one batch that is there already.
        training: Of both, as in a training.
        waiting: Share of the time of ``training`` in which the model waits for data.
        batch_size: Samples of a batch.
        workers: Processes that load.
        device: That trains.
        peak_memory: Bytes of the device at most; None on a CPU.
    """

    loading: float
    step: float
    training: float
    waiting: float
    batch_size: int
    workers: int
    device: str
    peak_memory: int | None = None


def bench(
    config: str | Path,
    *,
    seconds: float = 10.0,
    device: str | None = None,
    options: Mapping | None = None,
) -> Speed:
    """Measure loading, training steps, and both together.

    Nothing is written; the weights are random.

    Args:
        config: Path of the config.
        seconds: Of each of the three.
        device: None: a GPU if there is one.
        options: Of the config, as ``--cfg-options`` has them.

    Raises:
        ConfigError: The config cannot be read, or has keys that look mistyped.
        ValueError: It has no training data, or ``seconds`` is not positive.
    """
    if not seconds > 0:
        raise ValueError(f"seconds must be more than 0, got {seconds}")
    cfg = read_config(config, options)
    if options:
        cfg.merge_from_dict(dict(options))
    if not cfg.get("train_dataloader"):
        raise ValueError(f"{config} has no train_dataloader")
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    init_default_scope(cfg.get("default_scope", "mmaction"))
    model = MODELS.build(cfg.model)
    model.to(device).train()
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    loader = Runner.build_dataloader(cfg.train_dataloader, seed=0)

    def train(batch) -> None:
        model.train_step(batch, wrapper)
        if device.startswith("cuda"):
            torch.cuda.synchronize()

    batches = _endless(loader)
    batch = next(batches)
    train(batch)
    loading, _ = _rate(batches, lambda one: None, seconds)
    step, _ = _rate(_again(batch), train, seconds)
    training, waiting = _rate(batches, train, seconds)
    peak = torch.cuda.max_memory_allocated() if device.startswith("cuda") else None
    return Speed(
        loading, step, training, waiting, _samples(batch),
        loader.num_workers, device, peak,
    )  # fmt: skip


def _endless(loader) -> Iterator:
    while True:
        yield from loader


def _again(batch) -> Iterator:
    while True:
        yield batch


def _samples(batch: Mapping) -> int:
    return len(batch["data_samples"])


def _rate(
    batches: Iterator, work: Callable[[Mapping], None], seconds: float
) -> tuple[float, float]:
    """Samples a second, and the share of the time that waits for batches."""
    begin = now = time.perf_counter()
    samples, waited = 0, 0.0
    while now - begin < seconds or not samples:
        batch = next(batches)
        waited += time.perf_counter() - now
        work(batch)
        samples += _samples(batch)
        now = time.perf_counter()
    return samples / (now - begin), waited / (now - begin)
