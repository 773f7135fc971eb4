"""Samples through pipelines: MMAction2's RGB-only one, and our tri-modal one."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from mmaction.registry import TRANSFORMS
from mmaction.utils import register_all_modules
from mmengine.config import Config

import mmstconv  # noqa: F401

Steps = Sequence[Callable[[dict], dict]]
CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def stock_rgb(size: int = 112, clip_len: int = 16, interval: int = 2) -> list[dict]:
    """MMAction2's training pipeline for RGB, as its C3D and I3D configs have it."""
    short = round(size * 8 / 7)
    return [
        dict(type="DecordInit"),
        dict(type="SampleFrames", clip_len=clip_len, frame_interval=interval),
        dict(type="DecordDecode"),
        dict(type="Resize", scale=(-1, short)),
        dict(type="RandomResizedCrop"),
        dict(type="Resize", scale=(size, size), keep_ratio=False),
        dict(type="Flip", flip_ratio=0.5),
        dict(type="FormatShape", input_format="NCTHW"),
        dict(type="PackActionInputs"),
    ]


def trimodal(**changes) -> list[dict]:
    """The training pipeline of configs/_base_/datasets/trimodal_112.py.

    ``changes``, ``{type of transform: arguments}``, replace the config's.
    """
    pipeline = Config.fromfile(CONFIGS / "_base_/datasets/trimodal_112.py")
    steps = {step.type: step.to_dict() for step in pipeline.train_pipeline}
    del steps["ColorJitter"]  # MMAction2's pipeline beside it has none
    for name, arguments in changes.items():
        steps[name].update(arguments)
    return list(steps.values())


def without_tests(cfg: Config) -> None:
    """A training that validates and tests nothing."""
    for name in ("val", "test"):
        for part in ("dataloader", "cfg", "evaluator"):
            cfg[f"{name}_{part}"] = None


def build(pipeline: Sequence[dict]) -> Steps:
    """The transforms of a pipeline."""
    register_all_modules(init_default_scope=True)
    return [TRANSFORMS.build(step) for step in pipeline]


def run(steps: Steps, path: Path, seed: int) -> dict:
    """One sample of a file; equal seeds draw equal places and crops."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    sample = dict(filename=str(path), label=0, start_index=0, modality="RGB")
    place = np.random.default_rng(seed).random()
    for step in steps:
        sample = step(sample)
        if type(step).__name__ in MOVE:
            MOVE[type(step).__name__](sample, place)
    return sample


def move_frames(sample: dict, place: float) -> None:
    """MMAction2's single clip to a place (0 to 1) of the file."""
    inds = sample["frame_inds"] - sample["frame_inds"][0]
    room = sample["total_frames"] - 1 - inds[-1] - sample["frame_interval"]
    sample["frame_inds"] = inds + round(place * room)


def move_clip(sample: dict, place: float) -> None:
    """Our single clip to the same place."""
    if sample["num_clips"] > 1:
        return
    start, end = sample["media"].extent
    start += place * (end - start - sample["clip_duration"])
    sample["frame_times"] += start - sample["clip_starts"][0]
    sample["clip_starts"] = np.array([start])


MOVE = {"SampleFrames": move_frames, "SampleClips": move_clip}
