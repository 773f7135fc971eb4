"""Row 4: a tri-modal sample of a prepared file, by an RGB-only one of the original.

    python tools/benchmarks/prepared_videos.py

Ours: the pipeline of trimodal_112.py on files as tools/data/prepare_videos.py makes
them. Peer: MMAction2's RGB-only pipeline on the originals. A sample of each file a
round, on one core, in CPU time; clips last equally long on both sides. Beside it: the
bytes, where the time goes, and what the second encoding costs in quality.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from statistics import mean, median

import bench_clips
import numpy as np
from measuring import Result, alternate, in_all, one_core, result, script
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


def decibels(original: Path, prepared: Path, frames: int = 24) -> float:
    """Peak signal-to-noise ratio of frames at 112 pixels, against the original's."""
    with open_media(original) as before, open_media(prepared) as after:
        times = np.linspace(*before.extent, frames, endpoint=False)
        errors = []
        for one, other in zip(*(m.frames_at(times, 112) for m in (before, after))):
            width = min(one.shape[1], other.shape[1])
            difference = one[:, :width].astype(float) - other[:, :width]
            errors.append(np.mean(difference**2))
    return 10 * np.log10(255**2 / max(np.mean(errors), 1e-9))


def sampler(path: Path, steps: list[Callable]) -> Callable[[], object]:
    """Draws another sample of a file each time it is called."""
    seeds = count(1)
    return lambda: run(steps, path, next(seeds))


def parts(paths: Sequence[Path], pipelines: Sequence[list], rounds: int) -> str:
    """Milliseconds of each step of our pipeline, the mean of the files' medians."""
    spent: dict[str, list[list[float]]] = {}
    for path, steps in zip(paths, pipelines):
        for step in steps:
            spent.setdefault(type(step).__name__, []).append([])
        timed = [_timed(step, spent[type(step).__name__][-1]) for step in steps]
        for seed in range(rounds):
            run(timed, path, seed)
    return ", ".join(
        f"{name} {1000 * mean(map(median, files)):.2f}" for name, files in spent.items()
    )


def _timed(step: Callable, spent: list[float]) -> Callable:
    def call(sample: dict) -> dict:
        start = CLOCK()
        sample = step(sample)
        spent.append(CLOCK() - start)
        return sample

    return call


def measure(rounds: int = 25) -> list[Result]:
    one_core()
    form, clips = TrainingForm(), bench_clips.WEB
    originals = bench_clips.files(clips)
    prepared = prepare(originals, form)
    # 16 frames of every second one of the file: the peer's stretch of time
    ours = [build(trimodal(SampleClips=dict(fps=clip.fps / 2))) for clip in clips]
    stock = build(stock_rgb())
    sides = {path: sampler(path, steps) for path, steps in zip(prepared, ours)}
    sides.update((path, sampler(path, stock)) for path in originals)
    spent = alternate(sides, rounds, 2, CLOCK)
    ratios = ", ".join(
        f"{peer.stem} {median(spent[mine]) / median(spent[peer]):.3f}"
        for mine, peer in zip(prepared, originals)
    )
    name = "tri-modal sample of prepared files by stock RGB only of the originals"
    times = parts(prepared, ours, max(rounds // 3, 1))
    note = f"by file: {ratios}; ours in ms: {times}"
    unit, scale = "CPU ms a sample", 1000 / len(clips)
    files = (prepared, originals)
    pair = [in_all(spent[path] for path in paths) for paths in files]
    line = result("4", name, *pair, 0.15, scale, unit, note)
    sizes = [sum(path.stat().st_size for path in paths) / 1e6 for paths in files]
    quality = [decibels(*pair) for pair in zip(originals, prepared)]
    note = f"{form}; PSNR of frames at 112 px against the original's "
    note += f"{min(quality):.1f} to {max(quality):.1f} dB"
    name, ratio = "bytes of prepared files", sizes[0] / sizes[1]
    return [line, Result("4", name, ratio, None, None, *sizes, "MB", note)]


if __name__ == "__main__":
    script(measure)
