"""What training and testing do otherwise on a machine without a GPU.

MMEngine takes a GPU for granted. Without one, :func:`prepare` rewrites the config of a
run: mixed precision is bfloat16, processes talk through gloo. Memory stays with the
process from step to step, threads of batch norm do not share cache lines, and loader
processes step back behind the threads of a step.

Three more settings must be made before numpy and torch are imported, or around their
import: how long OpenMP's threads spin, how many OpenBLAS has, and when garbage is
collected. Importing this module imports torch, so they stand in ``tools/starting.py``,
which imports nothing.
"""

from __future__ import annotations

import ctypes
import functools
import logging
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import torch
from mmaction.registry import OPTIM_WRAPPERS
from mmengine.config import Config, ConfigDict
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper
from torch import nn

from ..private_names import uses_private
from .cpu_convolutions import pad_beforehand, put_channels_last
from .cpu_norms import fill_lines
from .rendezvous import tell_torch

# <malloc.h> of glibc
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
MALLOC_SETTINGS = (
    "MALLOC_MMAP_MAX_",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_TOP_PAD_",
    "MALLOC_TRIM_THRESHOLD_",
)
SLOWER = 1.1  # times float32's time: the user is told
NICENESS = 10  # of loader processes, more than that of the main process


def prepare(cfg: Config) -> None:
    """Make ready the process and the config of a run, which is changed in place.

    MMEngine's ``AmpOptimWrapper`` and its ``init_dist`` call ``torch.cuda``, and it
    wraps the model with ``device_ids``, which gloo refuses (up to 0.10.7).

    Raises:
        ValueError: ``AmpOptimWrapper`` is to train in another type than bfloat16, or
            the process was not started by the launcher that the config names.
    """
    keep_large_blocks()
    fill_lines()
    if (cfg.get("optim_wrapper") or {}).get("type") == "AmpOptimWrapper":
        _use_bfloat16(cfg.optim_wrapper)
    if cfg.launcher != "none":
        _use_gloo(cfg)


@functools.cache
def time_of_bfloat16(rounds: int = 3) -> float:
    """How long a 3D convolution takes in bfloat16, in units of its time in float32.

    Forward and backward in one thread, the shortest processor time of some rounds:
    other work on the machine does not change it much. Processors with matrix units for
    bfloat16 (AMX) are faster in it; those that have instructions for it only, or that
    convert, can take several times as long. That is tried, as flags do not tell it on
    every architecture.

    Args:
        rounds: How often each of the two is timed, after one that is not.

    Returns:
        The ratio, found once in a process.
    """
    kernel = torch.ones(32, 32, 3, 3, 3).to(memory_format=torch.channels_last_3d)
    x = torch.ones(8, 32, 4, 14, 14).to(memory_format=torch.channels_last_3d)
    for tensor in (kernel, x):
        tensor.requires_grad_()

    def seconds(half: bool) -> float:
        begin = time.thread_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            nn.functional.conv3d(x, kernel, padding=1).sum().backward()
        return time.thread_time() - begin

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        took = {}
        for half in (False, True):
            seconds(half)
            took[half] = min(seconds(half) for _ in range(rounds))
    finally:
        torch.set_num_threads(threads)
    return took[True] / took[False]


def keep_large_blocks() -> bool:
    """Tell glibc's allocator not to give large blocks back to the kernel.

    It maps a block above 32 MiB by itself and unmaps it when it is freed. The
    activations of a 3D convolution are such blocks, so by default the kernel clears all
    memory of a step again at the next one, one page fault every 4 KiB.

    What it costs: the process stays at its peak size until it ends.

    Returns:
        Whether it was set. It is not where the C library is another one, nor where
        the user has tuned it (``MALLOC_*_`` or ``GLIBC_TUNABLES``).
    """
    if not sys.platform.startswith("linux"):
        return False
    tunables = os.environ.get("GLIBC_TUNABLES", "")
    tuned = any(key in os.environ for key in MALLOC_SETTINGS)
    if tuned or "glibc.malloc." in tunables:
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return False
    set_heap = library.mallopt(M_MMAP_MAX, 0)
    # an int in C: the largest one, 2 GiB of free memory at the end of the heap
    set_trim = library.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
    return bool(set_heap and set_trim)


@uses_private("_before_iter")
class BackgroundLoaders(Hook):
    """Lowers the priority of the loader processes.

    They load ahead on the cores that compute. A layer waits for the last of its
    threads, so each time a loader takes the core of one, the others idle. With a lower
    priority loaders take what is left, and all of it once the step waits for data. It
    does nothing where there is no ``/proc``.
    """

    priority = "VERY_LOW"

    def _before_iter(self, runner, batch_idx, data_batch=None, mode="train") -> None:
        # with the first batch the processes have started
        if batch_idx or not hasattr(os, "nice"):
            return
        niceness = os.nice(0) + NICENESS  # Linux stops at its largest, 19
        for process in multiprocessing.active_children():
            with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                for thread in Path(f"/proc/{process.pid}/task").iterdir():
                    os.setpriority(os.PRIO_PROCESS, int(thread.name), niceness)


@OPTIM_WRAPPERS.register_module()
class CPUAmpOptimWrapper(OptimWrapper):
    """Trains in bfloat16 on a CPU, which MMEngine's ``AmpOptimWrapper`` refuses.

    The forward pass of a step runs under :class:`torch.autocast`; weights, gradients
    and the optimizer's state stay float32. bfloat16 has the range of float32, so the
    loss is not scaled, and a gradient that is not finite is a fault. At the first step
    the kernels of convolutions are laid out channels-last, and what they compute
    follows: oneDNN then has nothing to reorder. Of convolutions whose gradients it gets
    wrong the input is padded beforehand (:mod:`mmstconv.engine.cpu_convolutions`).
    Where the processor is slower in bfloat16 than in float32, the log says so.

    Args:
        **kwargs: See :class:`mmengine.optim.OptimWrapper`.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        pad_beforehand()
        self._laid_out = False
        times = time_of_bfloat16()
        if times > SLOWER:
            print_log(
                "this processor is slow in bfloat16: a 3D convolution takes "
                f"{times:.1f} times as long as in float32. Without --amp the training "
                "is faster",
                logger="current",
                level=logging.WARNING,
            )

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """What the forward pass of a step runs in.

        Args:
            model: The model that is trained.
        """
        if not self._laid_out:
            self._laid_out = True
            # DistributedDataParallel's buckets have the layout it has found already
            if not hasattr(model, "no_sync"):
                put_channels_last(model)
        with super().optim_context(model), torch.autocast("cpu", torch.bfloat16):
            yield


def _use_bfloat16(wrapper: ConfigDict) -> None:
    """Replace ``AmpOptimWrapper`` by ours and leave out what scales the loss."""
    dtype = wrapper.pop("dtype", None)
    if dtype not in (None, "bfloat16", torch.bfloat16):
        raise ValueError(
            f"on a machine without a GPU, AmpOptimWrapper (--amp) trains in bfloat16; "
            f"got optim_wrapper.dtype={dtype!r}"
        )
    wrapper.type = "CPUAmpOptimWrapper"
    for name in ("loss_scale", "use_fsdp"):
        wrapper.pop(name, None)


def _use_gloo(cfg: Config) -> None:
    """Connect the processes of a run, which MMEngine then finds connected."""
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
    strategy = cfg.get("strategy") or {}
    if strategy.get("type") == "DDPStrategy":  # of FlexibleRunner, which has its own
        wrapper = strategy.get("model_wrapper") or {}
        strategy.model_wrapper = {**cfg.model_wrapper_cfg, **wrapper}
