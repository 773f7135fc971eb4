"""Samples through pipelines: MMAction2's RGB-only one, and our tri-modal one."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from bench_clips import Clip, files
from measuring import Result, alternate, one_core, result
from mmaction.registry import TRANSFORMS
from mmaction.utils import register_all_modules
from mmengine.config import Config

import mmstconv  # noqa: F401

Steps = Sequence[Callable[[dict], dict]]
ROUNDS = 9
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

    Args:
        changes: ``{type of transform: arguments}`` that replace the config's.
    """
    cfg = Config.fromfile(CONFIGS / "_base_/datasets/trimodal_112.py")
    pipeline = [dict(step) for step in cfg.train_pipeline]
    unknown = set(changes) - {step["type"] for step in pipeline}
    if unknown:
        raise ValueError(f"the pipeline has no {sorted(unknown)}")
    for step in pipeline:
        step.update(changes.get(step["type"], {}))
    # MMAction2's pipeline beside it has none
    return [step for step in pipeline if step["type"] != "ColorJitter"]


def build(pipeline: Sequence[dict]) -> Steps:
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
        MOVE.get(type(step).__name__, keep)(sample, place)
    return sample


def keep(sample: dict, place: float) -> None:
    """Of steps that choose no clip."""


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


def side_by_side(
    ours: Steps, peer: Steps, path: Path, rounds: int
) -> tuple[list[float], list[float]]:
    """Processor seconds (of all threads) of a sample of a file in each round.

    The seed of a round is the same for both. On one idle core that is the time that
    passes; on a busy one it leaves out what others take.
    """
    spent: dict[str, list[float]] = {"ours": [], "peer": []}
    for seed in range(rounds + 1):
        turn = alternate(
            {
                "ours": partial(run, ours, path, seed),
                "peer": partial(run, peer, path, seed),
            },
            rounds=1,
            warmup=0,
            clock=time.process_time,
        )
        if seed:  # the first one warms up
            for name, seconds in turn.items():
                spent[name] += seconds
    return spent["ours"], spent["peer"]


def compare_samples(
    row: str, clips: Sequence[Clip], goal: float, size: int = 112, **changes
) -> list[Result]:
    """Our tri-modal sample beside MMAction2's RGB-only one, file by file and in all.

    They take 17 and 16 frames, every second one of the file, at the same random place
    of it, which changes from round to round.

    Args:
        row: Of the results.
        clips: What to read.
        goal: For the line over all files.
        size: Of the frames, in pixels.
        changes: To our pipeline, see :func:`trimodal`.
    """
    one_core()
    stock = build(stock_rgb(size))
    scale = dict(scale=(size, size)) if size != 112 else {}
    kwargs = dict(scale=1000, unit="ms a sample")
    results, ours_all, peer_all = [], [], []
    for clip, path in zip(clips, files(clips)):
        rate = dict(fps=clip.fps / 2)
        ours = build(trimodal(SampleClips=rate, Resize=scale, **changes))
        ours_spent, peer_spent = side_by_side(ours, stock, path, ROUNDS)
        what = f"{clip.name}, {clip.width} x {clip.height}"
        results.append(result(row, what, ours_spent, peer_spent, None, **kwargs))
        # a file's place is random: its mean is what an epoch takes
        ours_all.append(ours_spent)
        peer_all.append(peer_spent)
    ours_rounds = [sum(turn) for turn in zip(*ours_all)]
    peer_rounds = [sum(turn) for turn in zip(*peer_all)]
    kwargs = dict(scale=1000 / len(results), unit="ms a sample")
    return [
        result(row, "all files", ours_rounds, peer_rounds, goal, **kwargs),
        *results,
    ]
