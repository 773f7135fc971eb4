"""How many processor cores this process may use."""

from __future__ import annotations

import os

from joblib import cpu_count

MOST_WORKERS = 8


def loader_workers() -> int:
    """Loader processes for one data loader: one a core, 8 at most, 1 at least.

    Cores are those that the scheduler's affinity (``taskset``, Slurm) and the quota of
    the control group (containers) leave; processes that ``torchrun`` started on this
    machine share them.
    """
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    return min(max(cpu_count() // processes, 1), MOST_WORKERS)
