"""From a config to a runner, on whatever the machine has."""

from __future__ import annotations

from pathlib import Path

import torch
from mmaction.registry import RUNNERS
from mmengine.config import Config
from mmengine.runner import Runner

from ..checkpoints.trust import trust_checkpoints
from ..private_names import write_config_plainly
from . import cpu
from .configs import require_model
from .console import ConsoleRunner
from .work_dir import check_writable, log_any_name


def build_runner(
    cfg: Config,
    config_path: str,
    work_dir: str | None,
    launcher: str,
    *,
    trust: bool = False,
) -> Runner:
    """Build the runner that ``tools/train.py`` and ``tools/test.py`` start.

    Args:
        cfg: The merged config; changed in place.
        config_path: Where it came from; names the default work dir.
        work_dir: The command line's work dir; goes before the config's.
        launcher: ``none``, ``pytorch``, ``slurm`` or ``mpi``.
        trust: Open checkpoints that hold Python objects; only for files of your own.

    Raises:
        ConfigError: The config has no model.
        OSError: The work dir cannot be written to.
    """
    require_model(cfg, config_path)
    trust_checkpoints(trust)
    if work_dir is not None:
        cfg.work_dir = work_dir
    elif cfg.get("work_dir") is None:
        cfg.work_dir = str(Path("work_dirs", Path(config_path).stem))
    check_writable(cfg.work_dir)
    cfg.launcher = launcher
    complete_loaders(cfg)
    late = late_schedulers(cfg)
    write_config_plainly(cfg)  # a runner writes it four times before it begins
    on_cpu = not torch.cuda.is_available()
    if on_cpu:
        cpu.prepare(cfg)
    runner = RUNNERS.build(cfg) if "runner_type" in cfg else ConsoleRunner.from_cfg(cfg)
    log_any_name(runner.logger)
    if late:
        runner.logger.warning(
            f"left out, as the training ends before they begin: {', '.join(late)}"
        )
    if on_cpu:
        runner.register_hook(cpu.BackgroundLoaders())
    return runner


def complete_loaders(cfg: Config) -> None:
    """What follows from other settings, so that nobody has to say it twice.

    A data set with ``num_classes=None`` gets the head's, and without loader processes
    none is kept alive.

    Raises:
        ValueError: A data set allows labels that the head has no class for.
    """
    classes = ((cfg.get("model") or {}).get("cls_head") or {}).get("num_classes")
    for name in ("train_dataloader", "val_dataloader", "test_dataloader"):
        loader = cfg.get(name) or {}
        if not loader.get("num_workers"):
            loader.pop("persistent_workers", None)
        data = loader.get("dataset") or {}
        if "num_classes" not in data or classes is None:
            continue
        if data.num_classes is None:
            data.num_classes = classes
        if data.num_classes > classes:
            raise ValueError(
                f"{name}.dataset.num_classes is {data.num_classes}, but the model has "
                f"{classes} classes (model.cls_head.num_classes): make them equal"
            )


def late_schedulers(cfg: Config) -> list[str]:
    """Takes schedulers out of a config that would begin when the training has ended.

    A warm-up of two epochs and what follows it are a schedule for one epoch, too.
    MMEngine refuses a scheduler that ends with the training and begins no sooner.

    Returns:
        What was taken out, for a message.
    """
    lasts, schedulers = cfg.get("train_cfg") or {}, cfg.get("param_scheduler")
    if not isinstance(schedulers, list):
        return []

    def is_late(one: dict) -> bool:
        last = lasts.get("max_epochs" if one.get("by_epoch", True) else "max_iters")
        return "end" not in one and bool(last) and one.get("begin", 0) >= last

    late = [one for one in schedulers if is_late(one)]
    if late:
        kept = [one for one in schedulers if not is_late(one)]
        cfg.param_scheduler = kept or None
    return [f"{one['type']} (begin={one.get('begin', 0)})" for one in late]
