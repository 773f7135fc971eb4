"""From a config to a runner, on whatever the machine has."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import torch
from mmaction.registry import RUNNERS
from mmengine.config import Config, ConfigDict
from mmengine.runner import Runner

from ..checkpoints.trust import trust_checkpoints
from .allocator import keep_large_blocks
from .console import ConsoleRunner
from .hooks.background_loaders import BackgroundLoaders
from .rendezvous import tell_torch
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
        OSError: The work dir cannot be written to.
    """
    trust_checkpoints(trust)
    if work_dir is not None:
        cfg.work_dir = work_dir
    elif cfg.get("work_dir") is None:
        cfg.work_dir = str(Path("work_dirs", Path(config_path).stem))
    check_writable(cfg.work_dir)
    cfg.launcher = launcher
    complete_loaders(cfg)
    # A runner writes its config four times before the first iteration, and lays it out
    # with yapf each time. MMEngine's ``Config.fromfile(format_python_code=False)`` is
    # meant for that, but does nothing for such configs as ours (up to 0.10.7).
    object.__setattr__(cfg, "_format_python_code", False)
    on_cpu = not torch.cuda.is_available()
    if on_cpu:
        keep_large_blocks()
        _prepare_cpu(cfg)
    runner = RUNNERS.build(cfg) if "runner_type" in cfg else ConsoleRunner.from_cfg(cfg)
    log_any_name(runner.logger)
    if on_cpu:
        runner.register_hook(BackgroundLoaders())
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


def _prepare_cpu(cfg: Config) -> None:
    """What MMEngine 0.10 takes for granted about GPUs, said for a machine without.

    Its ``AmpOptimWrapper`` and its ``init_dist`` call ``torch.cuda``, and it wraps
    the model with ``device_ids``, which gloo on CPU refuses.
    """
    if (cfg.get("optim_wrapper") or {}).get("type") == "AmpOptimWrapper":
        _amp_on_cpu(cfg.optim_wrapper)
    if cfg.launcher == "none":
        return
    dist_cfg = cfg.get("env_cfg", {}).get("dist_cfg", {})
    tell_torch(cfg.launcher, dist_cfg.get("port"))
    seconds = dist_cfg.get("timeout")
    timeout = {} if seconds is None else dict(timeout=timedelta(seconds=seconds))
    torch.distributed.init_process_group(backend="gloo", **timeout)
    cfg.setdefault("model_wrapper_cfg", dict(type="MMDistributedDataParallel"))
    cfg.model_wrapper_cfg.setdefault("device_ids", None)
    cfg.model_wrapper_cfg.setdefault("broadcast_buffers", False)
    cfg.model_wrapper_cfg.setdefault(
        "find_unused_parameters", cfg.get("find_unused_parameters", False)
    )


def _amp_on_cpu(wrapper: ConfigDict) -> None:
    """``AmpOptimWrapper`` becomes ours: bfloat16, without what scales the loss."""
    dtype = wrapper.pop("dtype", None)
    if dtype not in (None, "bfloat16", torch.bfloat16):
        raise ValueError(
            f"on a machine without a GPU, AmpOptimWrapper (--amp) trains in bfloat16; "
            f"got optim_wrapper.dtype={dtype!r}"
        )
    wrapper.type = "CPUAmpOptimWrapper"
    for name in ("loss_scale", "use_fsdp"):
        wrapper.pop(name, None)
