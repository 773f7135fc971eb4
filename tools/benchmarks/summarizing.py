"""Row 19: a film's summary, beside what the streams say of its windows.

    python tools/benchmarks/summarizing.py

Ours: mmstconv.apis.summarize. Peer: our score_video(stage="steps") with the same model
and hop. Writing the summary, which decodes and encodes the shots that it shows, is
stated apart. One core; all of the file is decoded. What does not depend on the length
is a good part of two minutes, so the goal is for the hour. Memory: of half an hour
beside that of three minutes, at a small size.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import torch
from bench_clips import Clip, looped
from long_video import SMALL, SMALL_SIZE, growth, peak
from measuring import Result, one_core, result, script
from mmaction.registry import MODELS
from recomputed import build_model, with_head

from mmstconv.apis import score_video, summarize
from mmstconv.apis.film_steps import step_layout
from mmstconv.apis.summary.shots import change_points

CLIP = Clip("web_256.mp4", 340, 256)
SECONDS, ROUNDS = 120, 3
HOUR = 3600  # seconds
FPS = 8
MINUTES = (3, 30)
STEPS = 8 * HOUR  # an hour of as many steps a second as the demo's streams have
GOAL = 1.05
HEAD = dict(type="SummaryHead", levels=4, score_subsets=True)


def rating_model(*size: int):
    """The default network for long videos, with a head that rates steps."""
    return with_head(build_model(*size), HEAD)


def seconds_of(model, path: Path) -> tuple[float, float]:
    """Processor time until the shots are chosen, and of writing the summary."""
    chosen = []

    def note(what: str, done: float) -> None:
        if what == "shots" and done == 1:
            chosen.append(time.process_time())

    with TemporaryDirectory() as out:
        start = time.process_time()
        summarize(model, path, out, progress=note)
        end = time.process_time()
    return chosen[0] - start, end - chosen[0]


def compare(name: str, model, path: Path, rounds: int) -> list[Result]:
    """The same video on both sides, in turn."""
    hop = step_layout(model).checked_hop(None)

    def scored() -> float:
        start = time.process_time()
        deque(score_video(model, path, hop=hop, stage="steps", to_end=True), 0)
        return time.process_time() - start

    ours, written, peer = [], [], []
    seconds_of(model, looped(SMALL, 60))  # what is done once
    for turn in range(rounds):
        if turn % 2:
            peer.append(scored())
        rated, encoded = seconds_of(model, path)
        ours.append(rated)
        written.append(encoded)
        if not turn % 2:
            peer.append(scored())
    note = "processor time"
    return [
        result("19", f"{name}: shots chosen", ours, peer, GOAL, note=note),
        result("19", f"{name}: writing the summary", written, peer, note=note),
    ]


def cuts_of_an_hour() -> Result:
    """Change points at 2 Hz, of scenes of half a minute that differ a little."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2 * HOUR, 192))
    x += np.repeat(rng.normal(size=(HOUR // 30, 192)), 60, axis=0)
    start = time.process_time()
    cuts = change_points(x, 2)
    spent = time.process_time() - start
    name = "change points of an hour at 2 Hz, by 5 s"
    return Result(
        "19", name, spent / 5, None, 1.0, spent, 5.0, "s", f"{len(cuts)} cuts"
    )


@torch.inference_mode()
def head_of_an_hour() -> Result:
    """The head alone, on as many steps as an hour has."""
    head = MODELS.build(dict(HEAD, in_channels=192)).eval()
    fused = SimpleNamespace(steps=torch.randn(1, STEPS, 192), valid=None)
    before, start = peak(), time.process_time()
    head.rated(fused)
    spent, more = time.process_time() - start, peak() - before
    name = f"the head on {STEPS} steps: peak memory by 1 GiB"
    note = f"{spent:.1f} s of processor time"
    return Result("19", name, more / 1024, None, 1.0, more, 1024, "MiB", note)


def memory() -> Result:
    """Of a summary that is written."""
    model = rating_model(SMALL_SIZE, FPS)
    return growth(
        "19", "summary, ", lambda path: seconds_of(model, path), SMALL, MINUTES
    )


def measure() -> Iterator[Result]:
    one_core()
    yield memory()  # measured first: the peak is the process's
    with ProcessPoolExecutor(1, get_context("spawn"), one_core) as other:
        yield other.submit(head_of_an_hour).result()  # with a peak of its own
    yield cuts_of_an_hour()
    model = rating_model()
    for seconds, rounds in ((SECONDS, ROUNDS), (HOUR, 1)):
        path = looped(CLIP, seconds)
        yield from compare(f"summary of {seconds} s", model, path, rounds)


if __name__ == "__main__":
    script(measure)
