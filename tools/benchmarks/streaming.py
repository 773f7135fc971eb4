"""Row 13: one new frame of a camera.

    python tools/benchmarks/streaming.py

Ours: mmstconv.apis.StreamingRecognizer; scores come every second frame, the network's
stride over time. Peer: MMAction2's scheme (recomputed.py), the window of 32 frames with
every new frame. Frames are decoded beforehand, sound comes with them. One core.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import count, islice

import cv2
import numpy as np
import recomputed
import torch
from bench_clips import SAMPLE_RATE, WEB, draw, sound
from measuring import Result, alternate, one_core, result, script
from recomputed import build_model

from mmstconv.apis import StreamingRecognizer
from mmstconv.media.reading.pushed import PushedMedia
from mmstconv.models.streaming import WindowScorer

ROUNDS = 12
CLIP = WEB[1]
PATTERN = 48  # frames drawn, which repeat
WINDOW = 32
STRIDE = 2
BEFORE = (112, 10_000)  # both at the same place of the pattern and of the hop
SMALL_SIZE = 32
FLAT_ROUNDS = 10


def camera(size: tuple[int, int] | None = None):
    """Frames and the sound of 1 / 12 s, drawn once, without an end."""
    images = islice(draw(CLIP, seed=1), PATTERN)
    frames = [cv2.resize(x, size or (CLIP.width, CLIP.height)) for x in images]
    samples = sound(PATTERN / 12, seed=1)[0]
    step = SAMPLE_RATE // 12
    for k in count():
        # 1333 samples, and every third time 1334: 16000 in 12 steps
        length = (k + 1) * 16000 // 12 - k * 16000 // 12
        first = k % PATTERN * step
        yield frames[k % PATTERN], samples[first : first + length]


def follow(stream: StreamingRecognizer, source, frames: int) -> None:
    for _ in range(frames):
        frame, samples = next(source)
        stream.push_sound(samples)
        stream.push_frame(frame)


def compare() -> list[Result]:
    model = build_model()
    source, ours_source = camera(), camera()
    stream = StreamingRecognizer(model)
    pipeline = recomputed.WindowPipeline(model)
    queue: deque = deque(maxlen=WINDOW + 1)
    media = PushedMedia(12, 1, 16000, 4.0)
    for frame, samples in (next(source) for _ in range(WINDOW + STRIDE + 1)):
        queue.append(frame)
        media.push_sound(samples)
    follow(stream, ours_source, WINDOW + 1)

    def peer() -> None:
        frame, samples = next(source)
        media.push_sound(samples)
        queue.append(frame)
        pipeline.scores(queue, media.samples / 16000 - WINDOW / 12, media)

    sides = dict(ours=lambda: follow(stream, ours_source, STRIDE), peer=peer)
    score, window = alternate(sides, ROUNDS, warmup=2).values()
    frame = [seconds / STRIDE for seconds in score]
    name = "one new score: two new frames by one window"
    return [
        result("13", "one new frame", frame, window, 0.1, 1000, "ms"),
        result("13", name, score, window, None, 1000, "ms"),
    ]


@torch.inference_mode()
def compare_models() -> Result:
    """The model alone, on frames that are ready."""
    model, window = build_model(), recomputed.ready_window()
    samples = [recomputed.data_sample()]
    scorer = WindowScorer(model, WINDOW, ("rgb", "flow"))
    frame = {name: window[name][0, :, :, :1] for name in ("rgb", "flow")}
    scorer.push({name: window[name][0] for name in ("rgb", "flow")})
    first = count(STRIDE, STRIDE)

    def ours() -> None:
        for _ in range(STRIDE):
            scorer.push(frame)
        start = next(first)
        scorer.score([start], dict(audio=window["audio"][0]), recomputed.HERE)
        scorer.forget(start)

    sides = dict(ours=ours, peer=lambda: model.predict(window, samples))
    score, peer = alternate(sides, ROUNDS, warmup=2).values()
    frames = [seconds / STRIDE for seconds in score]
    name = "the model alone, one new frame"
    return result("13", name, frames, peer, None, 1000, "ms")


def flatness() -> Result:
    """Two equal streams in turn, one of which has seen a hundred times more."""
    model = build_model(SMALL_SIZE)
    small = (SMALL_SIZE * 2, SMALL_SIZE * 2)
    sides = {}
    for seen in BEFORE:
        stream, source = StreamingRecognizer(model, hop=WINDOW), camera(small)
        follow(stream, source, seen)
        sides[seen] = lambda s=stream, c=source: follow(s, c, WINDOW)
    few, many = alternate(sides, FLAT_ROUNDS).values()
    name = f"one frame after {BEFORE[1]} by one after {BEFORE[0]}"
    note = f"at {SMALL_SIZE} x {SMALL_SIZE} and a score every {WINDOW} frames, so that "
    note += "this many take seconds"
    return result("13", name, many, few, 1.1, 1000 / WINDOW, "ms", note)


def measure() -> Iterator[Result]:
    one_core()
    np.random.seed(0)
    yield from (*compare(), compare_models(), flatness())


if __name__ == "__main__":
    script(measure)
