"""Row 16b: gathering 20,000 x 400 test scores over two processes.

    python tools/benchmarks/gathering.py

Ours: gather_results of our metrics. Peer: MMEngine's collect_results. Two real
processes (gloo).
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
from measuring import Result, alternate, result, script
from mmengine import dist
from torch import multiprocessing

from mmstconv.evaluation.gathering import gather_results


def scores(samples: int, classes: int, rank: int, world: int) -> list[dict]:
    """What AccMetric keeps of each sample of this process."""
    rng = np.random.default_rng(rank)
    return [
        dict(pred=rng.random(classes, dtype=np.float32), label=int(one) % classes)
        for one in range(rank, samples, world)
    ]


def worker(
    rank: int, samples: int, classes: int, rounds: int, folder: str, answers
) -> None:
    torch.set_num_threads(1)
    os.chdir(folder)  # MMEngine makes its folder here
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2
    )
    mine = scores(samples, classes, rank, 2)
    collected, spent = {}, dict(ours=[], peer=[])

    def timed(name, collect):
        collected[name] = None  # freeing the last round's is no part of this one
        dist.barrier()
        start = time.perf_counter()
        collected[name] = collect()
        dist.barrier()  # until the main process has all
        spent[name].append(time.perf_counter() - start)

    ours = partial(gather_results, mine, samples)
    peer = partial(dist.collect_results, mine, samples, "cpu")
    sides = dict(ours=partial(timed, "ours", ours), peer=partial(timed, "peer", peer))
    alternate(sides, rounds)
    if rank == 0:
        # the first of each is alternate's warm-up
        answers.put({name: values[1:] for name, values in spent.items()})
    torch.distributed.destroy_process_group()


def measure(
    samples: int = 20_000, classes: int = 400, rounds: int = 7
) -> Iterator[Result]:
    answers = multiprocessing.get_context("spawn").SimpleQueue()
    with tempfile.TemporaryDirectory() as folder:
        args = (samples, classes, rounds, folder, answers)
        multiprocessing.spawn(worker, args, nprocs=2)
    spent = answers.get()
    name = f"{samples:,} x {classes} scores over 2 processes"
    note = "until the main process has the list of samples; each collection starts and "
    note += "ends at a barrier; the peer's files are in the page cache"
    yield result("16b", name, spent["ours"], spent["peer"], 0.3, 1000, "ms", note)


if __name__ == "__main__":
    script(measure)
