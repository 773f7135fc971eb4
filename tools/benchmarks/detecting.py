"""Row 18: events along a video, beside the scores of its windows.

    python tools/benchmarks/detecting.py

Ours: mmstconv.apis.detect. Peer: our score_video with the same streams and the same
hop. One core; all of the file is decoded. Memory: of an hour beside that of six
minutes, at a small size so that it takes seconds.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator

from bench_clips import Clip, looped
from long_video import MINUTES, SMALL, SMALL_FPS, SMALL_SIZE, growth
from measuring import Result, alternate, one_core, result, script
from recomputed import build_model, with_head

from mmstconv.apis import detect, score_video
from mmstconv.apis.film_steps import step_layout

CLIP = Clip("web_256.mp4", 340, 256)
SECONDS = 60
ROUNDS = 5
HOP = 16  # frames, half a window
GOAL = 1.1
HEAD = dict(type="TemporalEventHead", num_classes=20)


def build_pair(*size: int):
    """The default network for long videos, and the same with a head for events."""
    scores = build_model(*size)
    return with_head(scores, HEAD), scores


def compare() -> Result:
    """The same video, in turn."""
    events, scores = build_pair()
    path = looped(CLIP, SECONDS)
    layout = step_layout(events)
    sides = dict(
        ours=lambda: list(detect(events, path, hop=HOP, layout=layout)),
        peer=lambda: deque(score_video(scores, path, hop=HOP), 0),
    )
    pair = alternate(sides, ROUNDS, clock=time.process_time).values()
    name = f"events of {SECONDS} s by the scores of its windows"
    return result("18", name, *pair, GOAL, note="processor time")


def memory() -> Result:
    """Of the events, one by one."""
    events, _ = build_pair(SMALL_SIZE, SMALL_FPS)
    layout = step_layout(events)
    return growth(
        "18",
        "events, ",
        lambda path: deque(detect(events, path, hop=HOP, layout=layout), 0),
        SMALL,
        MINUTES,
    )


def measure() -> Iterator[Result]:
    one_core()
    last = memory()  # measured first: the peak is the process's
    yield from (compare(), last)


if __name__ == "__main__":
    script(measure)
