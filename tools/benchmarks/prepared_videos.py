"""Row 4: a tri-modal sample of a prepared file, by an RGB-only one of the original.

    python tools/benchmarks/prepared_videos.py

Ours: the training pipeline of trimodal_112.py (RGB, flow and sound) on files that
tools/data/prepare_videos.py would have made. Peer: MMAction2's RGB-only pipeline with
decord on the originals. A sample of each file a round, on one core, in CPU time (all
threads); clips last equally long on both sides. Beside it: the bytes, where the time
goes, and what the second encoding costs in quality.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import bench_clips
import measuring
import numpy as np
import pipelines

from mmstconv.media import open_media
from mmstconv.media.preparing import TrainingForm, prepare_media

FOLDER = Path("work_dirs/bench/prepared")
GOAL = 0.15
# Of one process on one core, without what others take of that core.
CLOCK = time.process_time


def prepare(sources: Sequence[Path], form: TrainingForm) -> list[Path]:
    FOLDER.mkdir(parents=True, exist_ok=True)
    targets = [FOLDER / source.with_suffix(".mp4").name for source in sources]
    for source, target in zip(sources, targets):
        prepare_media(source, target, form)
    return targets


def decibels(original: Path, prepared: Path, count: int = 24) -> float:
    """Peak signal-to-noise ratio of frames at 112 pixels, against the original's."""
    with open_media(original) as before, open_media(prepared) as after:
        times = np.linspace(*before.extent, count, endpoint=False)
        pairs = zip(before.frames_at(times, 112), after.frames_at(times, 112))
        errors = []
        for one, other in pairs:
            width = min(one.shape[1], other.shape[1])
            difference = one[:, :width].astype(float) - other[:, :width]
            errors.append(np.mean(difference**2))
    return 10 * np.log10(255**2 / max(np.mean(errors), 1e-9))


class Sampler:
    """Draws a sample of each file when called, and keeps the time of each step."""

    def __init__(self, paths: Sequence[Path], steps: Sequence[list[Callable]]) -> None:
        self.paths, self.steps = paths, steps
        self.turn = 0
        self.spent: dict[str, list[float]] = {}

    def __call__(self) -> None:
        self.turn += 1
        self.spent.update({path.name: [] for path in self.paths if self.turn == 1})
        for path, steps in zip(self.paths, self.steps):
            start = CLOCK()
            pipelines.run(steps, path, self.turn)
            self.spent[path.name].append(CLOCK() - start)

    def milliseconds(self) -> list[float]:
        """Of each file, the median."""
        return [1000 * statistics.median(times) for times in self.spent.values()]


def parts(sampler: Sampler, rounds: int) -> str:
    """Milliseconds of each step of our pipeline, the mean of the files' medians."""
    spent: dict[str, list[list[float]]] = {}
    for path, steps in zip(sampler.paths, sampler.steps):
        of_file: dict[str, list[float]] = {}
        for seed in range(rounds):
            timed = [_timed(step, of_file) for step in steps]
            pipelines.run(timed, path, seed)
        for name, times in of_file.items():
            spent.setdefault(name, []).append(statistics.median(times))
    return ", ".join(
        f"{name} {1000 * statistics.mean(times):.2f}" for name, times in spent.items()
    )


def _timed(step: Callable, spent: dict[str, list[float]]) -> Callable:
    def call(sample: dict) -> dict:
        start = CLOCK()
        sample = step(sample)
        spent.setdefault(type(step).__name__, []).append(CLOCK() - start)
        return sample

    return call


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--clips", type=int, default=len(bench_clips.WEB))
    parser.add_argument("--crf", type=int, default=TrainingForm().crf)
    parser.add_argument("--short-side", type=int, default=TrainingForm().short_side)
    args = parser.parse_args(arguments)
    measuring.one_core()
    form = TrainingForm(crf=args.crf, short_side=args.short_side)
    clips = bench_clips.WEB[: args.clips]
    originals = bench_clips.files(clips)
    prepared = prepare(originals, form)
    # 16 frames of every second one of the file: the peer's stretch of time
    ours = Sampler(
        prepared,
        [
            pipelines.build(pipelines.trimodal(SampleClips=dict(fps=clip.fps / 2)))
            for clip in clips
        ],
    )
    stock = Sampler(originals, [pipelines.build(pipelines.stock_rgb())] * len(clips))
    spent = measuring.alternate({"ours": ours, "stock": stock}, args.rounds, 2, CLOCK)
    ratios = [
        f"{path.stem} {one / other:.3f}"
        for path, one, other in zip(
            originals, ours.milliseconds(), stock.milliseconds()
        )
    ]
    each = dict(scale=1000 / len(clips))
    sizes = [sum(p.stat().st_size for p in paths) for paths in (prepared, originals)]
    quality = [decibels(*pair) for pair in zip(originals, prepared)]
    measuring.report(
        [
            measuring.result(
                "4",
                "tri-modal sample of prepared files by stock RGB only of the originals",
                spent["ours"],
                spent["stock"],
                GOAL,
                unit="CPU ms a sample",
                note=f"by file: {', '.join(ratios)}; "
                f"ours in ms: {parts(ours, max(args.rounds // 3, 1))}",
                **each,
            ),
            measuring.Result(
                "4",
                "bytes of prepared files",
                sizes[0] / sizes[1],
                None,
                None,
                sizes[0] / 1e6,
                sizes[1] / 1e6,
                "MB",
                f"{form}; PSNR of frames at 112 px against the original's "
                f"{min(quality):.1f} to {max(quality):.1f} dB",
            ),
        ]
    )


if __name__ == "__main__":
    main()
