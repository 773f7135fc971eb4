"""Train one row of docs/accuracy.md and write what it has reached as JSON.

python tools/experiments/run.py ROW --data DIR --seed S --out work_dirs/accuracy

DIR holds the clips, ``train.txt`` and ``val.txt`` (``path label`` a line) and, for rows
of sounding classes, ``train_sound4.txt`` and ``val_sound4.txt``. A row whose JSON says
that it is finished is not run again; one that was interrupted goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

import starting  # noqa: F401  (first: what threads do is read with numpy and torch)
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from recipes import Row, assemble
from rows import ROWS
from stopwatch import GOAL, StepTimer, Stopwatch, accuracies, minutes_to

from mmstconv.disk import print_any_name, write_own
from mmstconv.engine.hooks.invalid_loss_hook import InvalidLossError
from mmstconv.engine.launch import build_runner

STEPS = 8  # that an epoch is measured with
CLIPS = ("as_is", "without_sound")  # accuracies that the test's clips of a file give


def minutes_an_epoch(cfg: Config, work_dir: Path) -> float:
    """Processor time that an epoch of training takes, from a few steps.

    Args:
        cfg: Of the training; is changed.
        work_dir: For the log.
    """
    for part in ("dataloader", "cfg", "evaluator"):
        cfg[f"val_{part}"] = cfg[f"test_{part}"] = None
    cfg.train_cfg = dict(type="IterBasedTrainLoop", max_iters=STEPS)
    cfg.param_scheduler, cfg.resume = None, False
    cfg.default_hooks.checkpoint = None
    cfg.experiment_name = work_dir.name
    runner = build(cfg, work_dir)
    timer = StepTimer()
    runner.register_hook(timer)
    runner.train()
    return timer.seconds_a_step * len(runner.train_dataloader) / 60


def build(cfg: Config, work_dir: Path) -> Runner:
    runner = build_runner(cfg, f"{work_dir.name}.py", str(work_dir), "none")
    # MMAction2's heads take scores to numpy, which has no bfloat16.
    runner.model.cls_head.register_forward_hook(lambda _, __, scores: scores.float())
    return runner


def run(
    name: str,
    row: Row,
    data: Path,
    seed: int,
    out: Path,
    *,
    epochs: int | None = None,
    budget: float | None = None,
    workers: int = 1,
) -> dict:
    """Train a row, or go on with it; see the flags.

    Returns:
        What is written to ``out/{name}_seed{seed}.json``, at each validation anew.
    """
    stem = f"{name}_seed{seed}"
    path, data = out / f"{stem}.json", data.resolve()
    if path.is_file():
        before = json.loads(path.read_text(encoding="utf-8"))
        if before["finished"]:
            return before
        epochs = before["epochs"]
        row = replace(row, amp=before["recipe"]["amp"])  # it goes on as it began
    elif budget is not None:
        cfg = assemble(row, data, seed, row.epochs, workers)
        minutes = minutes_an_epoch(cfg, out / f"{stem}_measured")
        epochs = max(1, round(budget / minutes))
    epochs = epochs or row.epochs
    cfg = assemble(row, data, seed, epochs, workers)
    cfg.experiment_name = stem
    runner = build(cfg, out / stem)
    found = dict(
        row=name,
        seed=seed,
        epochs=epochs,
        budget_minutes=budget,
        finished=False,
        failed=None,
        parameters=sum(one.numel() for one in runner.model.parameters()),
        threads=torch.get_num_threads(),
        loader_processes=workers,
        torch=torch.__version__,
        recipe=asdict(row),
    )

    def report(history: list[dict], **more) -> None:
        found.update(
            history[-1] if history else {},
            minutes_to_goal=minutes_to(GOAL, history),
            history=history,
            **more,
        )
        out.mkdir(parents=True, exist_ok=True)
        write_own(path, json.dumps(found, indent=1, default=str) + "\n")

    report([])
    watch = Stopwatch(report)
    runner.register_hook(watch)
    try:
        runner.train()
    except InvalidLossError as error:
        report(watch.history, finished=True, failed=str(error).splitlines()[0])
    else:
        clips = {}
        if cfg.test_dataloader is not None:
            reached = accuracies(runner.test())
            clips = {f"clips_{name}": reached[name] for name in CLIPS}
        report(watch.history, finished=True, **clips)
    return found


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("row", choices=ROWS, metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--data", type=Path, required=True, help="clips and lists")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("work_dirs/accuracy"))
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=int, help="another length than the row's")
    length.add_argument(
        "--minutes-budget",
        type=float,
        help="CPU minutes that the training shall take: a few steps are measured "
        "first, and the schedule is stretched to the epochs that follow",
    )
    parser.add_argument("--workers", type=int, default=1, help="loader processes")
    parser.add_argument(
        "--float32",
        action="store_true",
        help="not in bfloat16: some processors are slower in it",
    )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    print_any_name()
    args = parse_args(arguments)
    row = ROWS[args.row]
    found = run(
        args.row,
        replace(row, amp=False) if args.float32 else row,
        args.data,
        args.seed,
        args.out,
        epochs=args.epochs,
        budget=args.minutes_budget,
        workers=args.workers,
    )
    shown = ("row", "seed", "cpu_minutes", "as_is", "without_sound", "minutes_to_goal")
    print(json.dumps({name: found.get(name) for name in shown}), file=sys.stdout)


if __name__ == "__main__":
    main()
