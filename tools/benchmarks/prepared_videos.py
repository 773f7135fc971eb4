"""Row 4: a tri-modal sample of a prepared file, by an RGB-only one of the original.

    python tools/benchmarks/prepared_videos.py

Ours: the training pipeline of trimodal_112.py (RGB, flow and sound) on files that
tools/data/prepare_videos.py would have made. Peer: MMAction2's RGB-only pipeline with
decord on the originals. A sample of each file a round, on one core, in CPU time (all
threads); clips last equally long on both sides. Beside it: the bytes, where the time
goes, and what the second encoding costs in quality.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, median

import bench_clips
import numpy as np
from measuring import Result, alternate, one_core, result, script
from pipelines import build, run, stock_rgb, trimodal

from mmstconv.media import open_media
from mmstconv.media.writing.preparing import TrainingForm, prepare_media

FOLDER = Path("work_dirs/bench/prepared")
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
        errors = []
        for one, other in zip(*(m.frames_at(times, 112) for m in (before, after))):
            width = min(one.shape[1], other.shape[1])
            difference = one[:, :width].astype(float) - other[:, :width]
            errors.append(np.mean(difference**2))
    return 10 * np.log10(255**2 / max(np.mean(errors), 1e-9))


class Sampler:
    """Draws a sample of each file when called, and keeps the time of each."""

    def __init__(self, paths: Sequence[Path], steps: Sequence[list[Callable]]) -> None:
        self.work = list(zip(paths, steps))
        self.turn = 0
        self.spent: list[list[float]] = [[] for _ in paths]

    def __call__(self) -> None:
        self.turn += 1
        for (path, steps), spent in zip(self.work, self.spent):
            start = CLOCK()
            run(steps, path, self.turn)
            spent.append(CLOCK() - start)


def parts(sampler: Sampler, rounds: int) -> str:
    """Milliseconds of each step of our pipeline, the mean of the files' medians."""
    spent: dict[str, list[float]] = {}
    for path, steps in sampler.work:
        of_file: dict[str, list[float]] = {}
        for seed in range(rounds):
            run([_timed(step, of_file) for step in steps], path, seed)
        for name, times in of_file.items():
            spent.setdefault(name, []).append(median(times))
    return ", ".join(f"{name} {1000 * mean(x):.2f}" for name, x in spent.items())


def _timed(step: Callable, spent: dict[str, list[float]]) -> Callable:
    def call(sample: dict) -> dict:
        start = CLOCK()
        sample = step(sample)
        spent.setdefault(type(step).__name__, []).append(CLOCK() - start)
        return sample

    return call


def measure(rounds: int = 25) -> list[Result]:
    one_core()
    form, clips = TrainingForm(), bench_clips.WEB
    originals = bench_clips.files(clips)
    prepared = prepare(originals, form)
    # 16 frames of every second one of the file: the peer's stretch of time
    rates = [dict(fps=clip.fps / 2) for clip in clips]
    ours = Sampler(prepared, [build(trimodal(SampleClips=rate)) for rate in rates])
    stock = Sampler(originals, [build(stock_rgb())] * len(clips))
    spent = alternate(dict(ours=ours, stock=stock), rounds, 2, CLOCK)
    ratios = ", ".join(
        f"{path.stem} {median(one) / median(other):.3f}"
        for path, one, other in zip(originals, ours.spent, stock.spent)
    )
    name = "tri-modal sample of prepared files by stock RGB only of the originals"
    note = f"by file: {ratios}; ours in ms: {parts(ours, max(rounds // 3, 1))}"
    unit, scale = "CPU ms a sample", 1000 / len(clips)
    line = result("4", name, spent["ours"], spent["stock"], 0.15, scale, unit, note)
    sizes = [
        sum(path.stat().st_size for path in paths) / 1e6
        for paths in (prepared, originals)
    ]
    quality = [decibels(*pair) for pair in zip(originals, prepared)]
    note = f"{form}; PSNR of frames at 112 px against the original's "
    note += f"{min(quality):.1f} to {max(quality):.1f} dB"
    name, ratio = "bytes of prepared files", sizes[0] / sizes[1]
    return [line, Result("4", name, ratio, None, None, *sizes, "MB", note)]


if __name__ == "__main__":
    script(measure)
