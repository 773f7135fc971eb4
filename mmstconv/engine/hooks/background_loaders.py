"""Loader processes that step back behind the threads of a step."""

from __future__ import annotations

import multiprocessing
import os
from contextlib import suppress
from pathlib import Path

from mmengine.hooks import Hook

NICENESS = 10  # more than that of the main process: a tenth of its weight


class BackgroundLoaders(Hook):
    """Lowers the priority of the loader processes, for training and tests on a CPU.

    There they load ahead on the cores that compute. A layer waits for the last of its
    threads, so each time a loader takes the core of one, the others idle. With a lower
    priority loaders take what is left, and all of it once the step waits for data. The
    launcher registers this. It does nothing where there is no ``/proc``.
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
