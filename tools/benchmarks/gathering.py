"""Row 16b: gathering 20,000 x 400 test scores over two processes.

Ours: gather_results of our metrics. Peer: MMEngine's collect_results, as its
BaseMetric.evaluate calls it. Same results of AccMetric, two real processes (gloo).

    python tools/benchmarks/gathering.py
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from measuring import alternate, report, result
from mmengine import dist
from torch import multiprocessing

from mmstconv.evaluation.gathering import gather_results

GOAL = 0.3


def scores(samples: int, classes: int, rank: int, world: int) -> list[dict]:
    """What AccMetric keeps of each sample of this process."""
    rng = np.random.default_rng(rank)
    return [
        dict(pred=rng.random(classes, dtype=np.float32), label=int(one) % classes)
        for one in range(rank, samples, world)
    ]


def worker(rank: int, args: argparse.Namespace, folder: str, answers) -> None:
    torch.set_num_threads(1)
    os.chdir(folder)  # MMEngine makes its folder here
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2
    )
    mine = scores(args.samples, args.classes, rank, 2)
    collected = {}

    def timed(name, collect):
        def run():
            collected[name] = None  # freeing the last round's is no part of this one
            dist.barrier()
            start = time.perf_counter()
            collected[name] = collect()
            dist.barrier()  # until the main process has all
            spent[name].append(time.perf_counter() - start)

        return run

    spent = dict(ours=[], peer=[])
    ours = timed("ours", lambda: gather_results(mine, args.samples))
    peer = timed("peer", lambda: dist.collect_results(mine, args.samples, "cpu"))
    alternate(dict(ours=ours, peer=peer), args.rounds)
    if rank == 0:
        for one, other in zip(collected["ours"], collected["peer"]):
            if one["label"] != other["label"] or (one["pred"] != other["pred"]).any():
                raise AssertionError("not the results that MMEngine collects")
        # the first of each is alternate's warm-up
        answers.put({name: values[1:] for name, values in spent.items()})
    torch.distributed.destroy_process_group()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--classes", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    answers = context.SimpleQueue()
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(worker, (args, folder, answers), nprocs=2)
        assert list(Path(folder, ".dist_test").iterdir()) == []
    spent = answers.get()
    report(
        [
            result(
                "16b",
                f"{args.samples:,} x {args.classes} scores over 2 processes",
                spent["ours"],
                spent["peer"],
                GOAL,
                scale=1000,
                unit="ms",
                note="until the main process has the list of samples; each collection "
                "starts and ends at a barrier; the peer's files are in the page cache",
            )
        ]
    )


if __name__ == "__main__":
    main()
