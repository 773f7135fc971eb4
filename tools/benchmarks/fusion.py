"""Fusion operators and training strategies on data of which the truth is known.

    python tools/benchmarks/fusion.py

Five settings (tools/benchmarks/fusion_settings.py), every operator trained jointly in
each; the default operator with the recommended strategy in each; every strategy where
plain training fails; every stream alone. Small networks of
the project's own classes, trained by MMEngine's runner (fusion_runs.py), on one core
each. Writes the runs to work_dirs/bench/fusion.json, one by one, so a rerun goes on
where it stopped, and tables for docs/fusion.md to work_dirs/bench/fusion.md.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from fusion_cost import measure_cost
from fusion_runs import JOINT, OPERATORS, PLAIN, RECIPE, STRATEGIES, run
from fusion_settings import SETTINGS, Pool
from fusion_tables import write_tables
from mmengine.logging import MMLogger

VERSION = 1  # of data, networks and training: raise it when they change
LISTED = [name for name in SETTINGS if name != "xor-scratch"]
HARD = "shortcut"  # where plain joint training fails: the place of all strategies
_POOL: Pool  # of this process and of those that it forks


@dataclass(frozen=True)
class Job:
    """One training run; ``strategy`` is one of STRATEGIES or '{stream} alone'."""

    operator: str
    setting: str
    strategy: str
    seed: int


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--operators", nargs="*", choices=OPERATORS, default=OPERATORS)
    parser.add_argument("--settings", nargs="*", choices=SETTINGS, default=LISTED)
    parser.add_argument("--strategies", nargs="*", choices=STRATEGIES)
    parser.add_argument("--default", choices=OPERATORS, default="GatedMultimodalUnit")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--train", type=int, default=1024, help="a multiple of 32")
    parser.add_argument("--test", type=int, default=512, help="a multiple of 16")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--no-cost", action="store_true", help="accuracies only")
    parser.add_argument("--out", type=Path, default=Path("work_dirs/bench/fusion.json"))
    args = parser.parse_args()
    for name, multiple in (("train", 32), ("test", 16)):
        if getattr(args, name) % multiple or getattr(args, name) <= 0:
            parser.error(f"--{name} must be a multiple of {multiple}")
    return args


def plan(args: argparse.Namespace) -> list[Job]:
    """All runs, a seed after the other, so that an interrupted table is even."""
    jobs = []
    strategies = list(STRATEGIES if args.strategies is None else args.strategies)
    for seed in range(args.seeds):
        for setting in args.settings:
            for stream in SETTINGS[setting].streams:
                jobs.append(Job(PLAIN, setting, f"{stream} alone", seed))
            for operator in args.operators:
                jobs.append(Job(operator, setting, JOINT, seed))
                if RECIPE in strategies and (
                    setting == HARD or operator == args.default
                ):
                    jobs.append(Job(operator, setting, RECIPE, seed))
            if setting == HARD and args.default in args.operators:
                jobs += [Job(args.default, HARD, name, seed) for name in strategies]
    return list(dict.fromkeys(jobs))


def job_of(row: dict) -> Job:
    return Job(*(row[field.name] for field in fields(Job)))


def perform(work: tuple[Job, dict[str, int]]) -> dict:
    """The row of a job."""
    job, protocol = work
    torch.set_num_threads(1)
    MMLogger.get_current_instance().setLevel("ERROR")  # each parameter's start values
    start = time.perf_counter()
    setting = SETTINGS[job.setting]
    sizes = {split: protocol[split] for split in ("train", "test")}
    how = (job.operator, job.strategy, job.seed, protocol["steps"], sizes)
    subsets = run(_POOL, setting, *how)
    stream = job.strategy.partition(" alone")[0]
    return dict(
        **vars(job),
        accuracy=subsets.pop("all"),
        bound=setting.alone.get(stream, setting.bound),
        subsets=subsets,
        seconds=round(time.perf_counter() - start, 1),
        **protocol,
    )


def write_rows(path: Path, rows: list[dict]) -> None:
    """All at once: an interruption leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n")
    os.replace(part, path)


def perform_all(jobs: list[Job], protocol: dict, rows: list, args) -> None:
    """Appends to ``rows`` and to the file, run by run."""
    global _POOL
    start = time.time()
    print(f"{len(jobs)} runs to do; drawing the clips ...", flush=True)
    _POOL = Pool(dict(train=args.train, test=args.test))
    print(f"clips drawn in {time.time() - start:.0f} s", flush=True)
    start = time.time()
    # Forked processes share the clips.
    with multiprocessing.get_context("fork").Pool(args.workers) as workers:
        work = [(job, protocol) for job in jobs]
        for done, row in enumerate(workers.imap_unordered(perform, work), 1):
            rows.append(row)
            write_rows(args.out, rows)
            left = (time.time() - start) / done * (len(jobs) - done)
            print(
                f"[{done}/{len(jobs)}, {left / 60:.0f} min left] {row['setting']}, "
                f"{row['operator']}, {row['strategy']}, seed {row['seed']}: "
                f"{row['accuracy']:.3f} of {row['bound']:.3f}, {row['seconds']} s",
                flush=True,
            )


def main() -> None:
    args = parse_args()
    torch.set_num_threads(1)
    MMLogger.get_current_instance().setLevel("ERROR")
    sizes = dict(train=args.train, test=args.test)
    protocol = dict(version=VERSION, steps=args.steps, **sizes)
    rows = json.loads(args.out.read_text()) if args.out.exists() else []
    done = {job_of(row): row for row in rows if protocol.items() <= row.items()}
    jobs = plan(args)
    missing = [job for job in jobs if job not in done]
    if missing:
        perform_all(missing, protocol, rows, args)
        done.update((job_of(row), row) for row in rows[-len(missing) :])
    cost = None if args.no_cost else measure_cost(args.operators)
    text = write_tables([done[job] for job in jobs], cost, args.default)
    args.out.with_suffix(".md").write_text(text)
    print(f"\n{text}\nwrote {args.out} and {args.out.with_suffix('.md')}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nfusion: interrupted, run again to go on")
