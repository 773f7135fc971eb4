"""Trainings of the toy, and what they leave in their folder."""

from __future__ import annotations

from pathlib import Path

from engine.toy_run import toy_config, toy_runner
from mmengine.hooks import Hook


def names(folder: Path) -> set[str]:
    """Files of a folder, without the config that MMEngine puts there."""
    return {path.name for path in folder.iterdir() if path.suffix not in ("", ".py")}


def logged(work_dir: Path) -> str:
    """All that the runs of a folder have logged."""
    return "".join(path.read_text() for path in sorted(work_dir.glob("*/*.log")))


def train(work_dir: Path, *hooks: Hook, scores=None, **options):
    runner = toy_runner(toy_config(work_dir, scores, **options))
    for hook in hooks:
        runner.register_hook(hook)
    runner.train()
    return runner


def resume(work_dir: Path, **options):
    """One epoch more."""
    options = {"resume": True, "train_cfg__max_epochs": 3, **options}
    return train(work_dir, **options)
