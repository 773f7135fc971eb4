"""Rows 1, 2, 3, 5, 6, 6b and 7: the time of a training sample on one core.

    python tools/benchmarks/samples.py [--rows 1 5]

Ours is the tri-modal sample: RGB, DIS flow, log-mel, the file's opening included. The
peer of rows 1 (web video, 112 pixels), 3 (224 pixels), 6 (MPEG-4 in AVI) and 6b (720
and 1080 lines) is MMAction2's sample of RGB alone. Row 2 is row 1 and the end-point
error of the pipeline's flow beside OpenCV's DIS presets, on translations. Row 5's peer
decodes the same 17 frames with the same reader and converts nothing. Row 7 is
``SampleClips(num_clips=4)`` by ``num_clips=1``, per clip.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from bench_clips import AVI, HIGH, WEB, Clip, end_point_errors, files, translations
from measuring import Result, alternate, in_all, one_core, result, script
from pipelines import build, run, stock_rgb, trimodal

from mmstconv.datasets.transforms.flow import METHODS
from mmstconv.media import open_media

#: Files, goal, pixels and rounds of the rows beside MMAction2's sample.
SAMPLES = {
    "1": (WEB, 0.85, 112, 9),
    "2": (WEB, 1.0, 112, 9),
    "3": (WEB, 1.0, 224, 9),
    "6": (AVI, 0.9, 112, 9),
    "6b": (HIGH, 0.25, 112, 7),
}
CLIPS = 4  # of an opening in row 7
MAX_ERROR = 0.1  # pixels
MARGIN = 8
PIXELS = tuple(k / 2 for k in range(2, 17)) * 6  # 1 to 8, six textures each
OPENCV = {
    "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}

Side = Callable[[int], Callable[[], object]]  # a seed -> a sample


def by_seed(ours: Side, peer: Side, rounds: int) -> tuple[list[float], list[float]]:
    """Processor seconds (of all threads) of both sides in each round.

    The seed of a round is the same for both. On one idle core that is the time that
    passes; on a busy one it leaves out what others take.
    """
    turns = [
        alternate({"o": ours(seed), "p": peer(seed)}, 1, 0, time.process_time)
        for seed in range(rounds + 1)
    ]
    # the first one warms up
    return tuple([turn[side][0] for turn in turns[1:]] for side in ("o", "p"))


def over_all(
    row: str, name: str, clips: Sequence[Clip], found: Sequence, goal: float, unit: str
) -> Result:
    """A file's place is random: the files' mean is what an epoch takes."""
    ours, peer = (in_all(side) for side in zip(*found))
    return result(row, name, ours, peer, goal, 1000 / len(clips), unit)


def per_file(
    row: str, clips: Sequence[Clip], found: Sequence, unit: str
) -> list[Result]:
    pairs = zip(clips, found)
    return [result(row, str(c), *pair, None, 1000, unit) for c, pair in pairs]


def sampler(steps: Sequence[Callable], path: Path) -> Side:
    return lambda seed: partial(run, steps, path, seed)


def beside_stock(
    row: str, clips: Sequence[Clip], goal: float, size: int, rounds: int
) -> list[Result]:
    """They take 17 and 16 frames, every second one of the file, at the same random
    place of it, which changes from round to round."""
    stock = build(stock_rgb(size))
    scale = dict(scale=(size, size)) if size != 112 else {}
    found = []
    for clip, path in zip(clips, files(clips)):
        ours = build(trimodal(SampleClips=dict(fps=clip.fps / 2), Resize=scale))
        found.append(by_seed(sampler(ours, path), sampler(stock, path), rounds))
    unit = "ms a sample"
    first = over_all(row, "all files", clips, found, goal, unit)
    return [first, *per_file(row, clips, found, unit)]


def flow_errors() -> Iterator[Result]:
    """Of the pipeline's method, beside OpenCV's presets."""
    (step,) = (step for step in trimodal() if step["type"] == "ComputeFlow")
    pairs = list(translations(PIXELS))

    def error(solver: Callable) -> float:
        return float(np.mean(end_point_errors(solver, pairs, MARGIN)))

    ours = error(METHODS[step["method"]]())
    for name, preset in OPENCV.items():
        solver = cv2.DISOpticalFlow_create(preset)
        peer = error(lambda a, b, solver=solver: solver.calc(a, b, None))
        name = f"end-point error of '{step['method']}', beside DIS {name}"
        note = f"at most {MAX_ERROR} wanted"
        yield Result("2", name, ours / peer, None, None, ours, peer, "pixels", note)


def decoder(steps: Sequence[Callable], path: Path) -> Side:
    """Decodes, with the frames that the pipeline's first steps choose for a seed."""

    def decode(times: np.ndarray) -> int:
        with open_media(path) as media:
            return sum(1 for _ in media.video.shown_at(times))

    def of_seed(seed: int) -> Callable[[], int]:
        sample = run(steps[:2], path, seed)
        sample["media"].close()
        return partial(decode, np.unique(sample["frame_times"]))

    return of_seed


def beside_decoding(
    clips: Sequence[Clip] = WEB + HIGH, rounds: int = 9
) -> list[Result]:
    """Row 5; the line over all is of the web files."""
    found = []
    for clip, path in zip(clips, files(clips)):
        steps = build(trimodal(SampleClips=dict(fps=clip.fps / 2)))
        found.append(by_seed(sampler(steps, path), decoder(steps, path), rounds))
    web = clips[: len(WEB)]
    first = over_all("5", "all web files", web, found[: len(web)], 1.25, "ms")
    return [first, *per_file("5", clips, found, "ms")]


def several_clips(clips: Sequence[Clip] = WEB, rounds: int = 11) -> list[Result]:
    """Row 7."""
    found = []
    for clip, path in zip(clips, files(clips)):
        rate = dict(fps=clip.fps / 2)
        many, one = by_seed(
            *(
                sampler(build(trimodal(SampleClips=dict(rate, num_clips=number))), path)
                for number in (CLIPS, 1)
            ),
            rounds,
        )
        found.append(([seconds / CLIPS for seconds in many], one))
    # where a single clip lies is random, and what it costs with it: sums over rounds
    ours, peer = (in_all(side) for side in zip(*found))
    peer = [sum(peer) / rounds] * rounds
    name = f"{CLIPS} clips an opening, all files, by the mean of single ones"
    first = result("7", name, ours, peer, 0.5, 1000 / len(clips), "ms a clip")
    return [first, *per_file("7", clips, found, "ms a clip")]


def measure(rows: tuple = (*SAMPLES, "5", "7")) -> Iterator[Result]:
    one_core()
    more = {"2": flow_errors, "5": beside_decoding, "7": several_clips}
    for row in rows:
        if row in SAMPLES:
            yield from beside_stock(row, *SAMPLES[row])
        if row in more:
            yield from more[row]()


if __name__ == "__main__":
    script(measure)
