"""Row 12: a long video in windows of 32 frames that overlap by three quarters.

    python tools/benchmarks/long_video.py

Ours: mmstconv.apis.score_video. Peer: MMAction2's scheme (recomputed.py) on the same
model, its RGB, flow and sound. One core; all of the file is decoded. Memory: of an hour
beside that of six minutes, at a small size so that it takes seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count, islice
from pathlib import Path

import recomputed
import torch
from bench_clips import Clip, looped
from measuring import Result, alternate, one_core, result, script
from recomputed import build_model

from mmstconv.apis import score_video
from mmstconv.models.streaming import WindowScorer

CLIP = Clip("web_256.mp4", 340, 256)
ROUNDS = 8
BURST = 8  # windows of a round: as many as become complete with one piece of frames
HOP = 8
SMALL = Clip("small.mp4", 64, 64, fps=12, crf=30)
SMALL_SIZE = 32
SMALL_FPS = 4
MINUTES = (6, 60)
UNIT = "ms a window"


def compare() -> Result:
    """Windows of the same part of the video on both sides, in turn."""
    model = build_model()
    path = looped(CLIP, ((ROUNDS + 3) * BURST * HOP + 32) / 12)
    scored = dict(
        ours=score_video(model, path, hop=HOP),
        peer=recomputed.score_video(model, path, HOP),
    )
    sides = {name: lambda w=one: list(islice(w, BURST)) for name, one in scored.items()}
    pair = alternate(sides, ROUNDS, warmup=2).values()
    name = "long video, one window of four that overlap"
    note = "decoding, flow, sound and model on both sides; each with its own decoder"
    return result("12", name, *pair, 0.25, 1000 / BURST, UNIT, note)


@torch.inference_mode()
def compare_models() -> list[Result]:
    """The model alone, on frames that are ready.

    PyTorch is slow for a batch of one with small maps: the peer also has two at a time.
    """
    model, window = build_model(), recomputed.ready_window()
    two = {name: x.repeat(2, *[1] * (x.dim() - 1)) for name, x in window.items()}
    samples = [recomputed.data_sample() for _ in range(2)]
    scorer = WindowScorer(model, 32, ("rgb", "flow"))
    piece = {name: window[name][0].repeat(1, 1, 2, 1, 1) for name in ("rgb", "flow")}
    pushed, scored = count(64, 64), [0]

    def ours() -> None:
        scorer.push(piece)
        complete = (next(pushed) - 32) // HOP + 1
        firsts = [HOP * number for number in range(scored[-1], complete)]
        sounds = window["audio"][0].repeat(len(firsts), 1, 1)
        scorer.score(firsts, dict(audio=sounds), recomputed.HERE)
        scored.append(complete)
        scorer.forget(complete * HOP)

    def peer(times: int, *batch) -> None:
        for _ in range(times):
            model.predict(*batch)

    by_one = partial(peer, BURST, window, samples[:1])
    by_two = partial(peer, BURST // 2, two, samples)
    sides = dict(ours=ours, peer=by_one, by_two=by_two)
    spent = alternate(sides, max(ROUNDS // 3, 1))
    name = "the model alone"
    note = "sound, LSTM, fusion and head run on every window on both sides"
    more = (None, 1000 / BURST, UNIT, note)
    two_at_a_time = f"{name}, the peer two windows at a time"
    return [
        result("12", name, spent["ours"], spent["peer"], *more),
        result("12", two_at_a_time, spent["ours"], spent["by_two"], *more),
    ]


def memory() -> Result:
    """Of the windows, one by one."""
    model = build_model(SMALL_SIZE, SMALL_FPS)
    size = looped(SMALL, MINUTES[1] * 60).stat().st_size / 2**20
    return growth(
        "12",
        "",
        lambda path: deque(score_video(model, path, hop=32), 0),
        SMALL,
        MINUTES,
        ", in which FFmpeg's index of the file, held twice as frames and sound "
        f"are read at two places; the file has {size:.0f} MiB",
    )


def growth(
    row: str,
    what: str,
    use: Callable[[Path], object],
    clip: Clip,
    minutes: tuple[int, int],
    note: str = "",
) -> Result:
    """Peak memory that a long file takes beyond that of a short one.

    Args:
        row: Of the result.
        what: Begins its name.
        use: Of a file; measured first, for the peak is the process's.
        clip: The files are it, again and again.
        minutes: Of the short file and of the long one.
        note: What is said after how much more it is.
    """
    peaks = []
    for length in (1, *minutes):  # the first one loads what is loaded once
        use(looped(clip, length * 60))
        peaks.append(peak())
    _, short, long = peaks
    name = f"{what}peak memory: {minutes[1]} minutes by {minutes[0]}"
    note = f"{long - short:.1f} MiB more{note}"
    return Result(row, name, long / short, None, 1.1, long, short, "MiB", note)


def peak() -> float:
    """Of this process up to now, in MiB; not of the one that has started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def measure() -> Iterator[Result]:
    one_core()
    last = memory()  # measured first: the peak is the process's
    yield from (compare(), *compare_models(), last)


if __name__ == "__main__":
    script(measure)
