"""From a config to a runner, on whatever the machine has."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import torch
from mmaction.registry import RUNNERS
from mmengine.config import Config, ConfigDict
from mmengine.runner import Runner

from ..loading import trust_checkpoints
from .allocator import keep_large_blocks
from .hooks.background_loaders import BackgroundLoaders
from .rendezvous import tell_torch


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
    """
    trust_checkpoints(trust)
    if work_dir is not None:
        cfg.work_dir = work_dir
    elif cfg.get("work_dir") is None:
        cfg.work_dir = str(Path("work_dirs", Path(config_path).stem))
    cfg.launcher = launcher
    # A runner writes its config four times before the first iteration, and lays it out
    # with yapf each time. MMEngine's ``Config.fromfile(format_python_code=False)`` is
    # meant for that, but does nothing for such configs as ours (up to 0.10.7).
    object.__setattr__(cfg, "_format_python_code", False)
    on_cpu = not torch.cuda.is_available()
    if on_cpu:
        keep_large_blocks()
        _prepare_cpu(cfg)
    runner = RUNNERS.build(cfg) if "runner_type" in cfg else Runner.from_cfg(cfg)
    if on_cpu:
        runner.register_hook(BackgroundLoaders())
    return runner


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
