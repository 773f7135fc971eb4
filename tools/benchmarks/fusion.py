"""Fusion operators and training strategies on data of which the truth is known.

    python tools/benchmarks/fusion.py

Five settings (fusion_settings.py), every operator trained jointly in each; the default
operator with the recommended strategy in each; every strategy where plain training
fails; every stream alone. Small networks, trained by MMEngine's runner (fusion_runs.py)
on one core each. Writes the runs to work_dirs/bench/fusion.json, one by one, so a rerun
goes on where it stopped, and the tables of docs/fusion.md to work_dirs/bench/fusion.md.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

import torch
from fusion_cost import measure_cost
from fusion_runs import JOINT, OPERATORS, PLAIN, RECIPE, STRATEGIES, run
from fusion_settings import SETTINGS, Pool
from fusion_tables import write_tables
from mmengine.logging import MMLogger

#: Runs of another one are not taken for these; raise the version when networks change.
PROTOCOL = dict(version=1, steps=150, train=1024, test=512)
SEEDS, WORKERS = 3, 2
DEFAULT = "GatedMultimodalUnit"  # that the strategies are tried with
LISTED = [name for name in SETTINGS if name != "xor-scratch"]
HARD = "shortcut"  # where plain joint training fails: the place of all strategies
OUT = Path("work_dirs/bench/fusion.json")
_POOL: Pool  # of this process and of those that it forks


class Job(NamedTuple):
    """One training run; ``strategy`` is one of STRATEGIES or '{stream} alone'."""

    operator: str
    setting: str
    strategy: str
    seed: int


def plan(operators: Iterable[str], settings: Iterable[str]) -> list[Job]:
    """All runs, a seed after the other, so that an interrupted table is even."""
    jobs = []
    for seed, setting in product(range(SEEDS), settings):
        streams = SETTINGS[setting].streams
        jobs += [Job(PLAIN, setting, f"{name} alone", seed) for name in streams]
        for operator in operators:
            strategies = [JOINT]
            if setting == HARD or operator == DEFAULT:
                strategies += [RECIPE]
            if setting == HARD and operator == DEFAULT:
                strategies = STRATEGIES
            jobs += [Job(operator, setting, name, seed) for name in strategies]
    return jobs


def job_of(row: dict) -> Job:
    return Job(*(row[name] for name in Job._fields))


def perform(job: Job) -> dict:
    """The row of a job."""
    torch.set_num_threads(1)
    start = time.perf_counter()
    setting = SETTINGS[job.setting]
    subsets = run(
        _POOL, setting, job.operator, job.strategy, job.seed, PROTOCOL["steps"]
    )
    stream = job.strategy.partition(" alone")[0]
    return dict(
        **job._asdict(),
        accuracy=subsets.pop("all"),
        bound=setting.alone.get(stream, setting.bound),
        subsets=subsets,
        seconds=round(time.perf_counter() - start, 1),
        **PROTOCOL,
    )


def perform_all(jobs: list[Job]) -> Iterator[dict]:
    """The rows of jobs, as they end."""
    global _POOL
    print(f"{len(jobs)} runs to do", flush=True)
    if jobs:
        _POOL = Pool({split: PROTOCOL[split] for split in ("train", "test")})
        # Forked processes share the clips.
        with multiprocessing.get_context("fork").Pool(WORKERS) as workers:
            yield from workers.imap_unordered(perform, jobs)


def write_rows(rows: list[dict]) -> None:
    """All at once: an interruption leaves the old file or the new one."""
    OUT.parent.mkdir(parents=True, exist_ok=True)
    part = OUT.with_suffix(".part")
    part.write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n")
    os.replace(part, OUT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = list(OPERATORS)
    parser.add_argument("--operators", nargs="*", choices=names, default=names)
    parser.add_argument("--settings", nargs="*", choices=SETTINGS, default=LISTED)
    args = parser.parse_args()
    torch.set_num_threads(1)
    MMLogger.get_current_instance().setLevel("ERROR")  # each parameter's start values
    rows = json.loads(OUT.read_text()) if OUT.exists() else []
    done = {job_of(row): row for row in rows if PROTOCOL.items() <= row.items()}
    jobs = plan(args.operators, args.settings)
    for row in perform_all([job for job in jobs if job not in done]):
        rows.append(row)
        write_rows(rows)
        done[job_of(row)] = row
        print({name: row[name] for name in (*Job._fields, "accuracy")}, flush=True)
    cost = measure_cost(args.operators)
    text = write_tables([done[job] for job in jobs], cost, DEFAULT)
    OUT.with_suffix(".md").write_text(text)
    print(f"\n{text}\nwrote {OUT} and {OUT.with_suffix('.md')}")


if __name__ == "__main__":
    main()
