"""Row 5: the whole tri-modal sample beside nothing but decoding its frames.

    python tools/benchmarks/decode_bound.py

Peer: open the file, seek, decode the same 17 frames with the same reader (which leaves
out what is neither wanted nor referred to), convert nothing. What is above 1 is
cropping, flow, sound, log-mel and packing. A further line decodes every frame between
the key frame and the last one with the plainest loop of PyAV, as decord does.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import av
import numpy as np
from bench_clips import HIGH, WEB, files
from measuring import Result, alternate, one_core, report, result
from pipelines import build, run, trimodal

from mmstconv.media import open_media

GOAL = 1.25
ROUNDS = 9


def frame_times(path: Path, fps: float, seed: int) -> np.ndarray:
    """What the pipeline takes with this seed."""
    steps = build(trimodal(SampleClips=dict(fps=fps))[:2])
    sample = run(steps, path, seed)
    sample["media"].close()
    return np.unique(sample["frame_times"])


def decode(path: Path, times: np.ndarray) -> int:
    """The frames shown at the times, as they are decoded."""
    with open_media(path) as media:
        return sum(1 for _ in media._video._shown_at(times))


def decode_all(path: Path, times: np.ndarray) -> int:
    """Every frame from the key frame on."""
    count = 0
    with av.open(str(path), metadata_errors="ignore") as container:
        stream = container.streams.best("video")
        stream.codec_context.thread_count = 1
        container.seek(int(times[0] / stream.time_base), stream=stream)
        for frame in container.decode(stream):
            count += 1
            if frame.time >= times[-1]:
                break
    return count


def main(clips=WEB + HIGH) -> list[Result]:
    one_core()
    results, ours_all, peer_all = [], [], []
    for clip, path in zip(clips, files(clips)):
        steps = build(trimodal(SampleClips=dict(fps=clip.fps / 2)))
        spent: dict[str, list[float]] = {"ours": [], "peer": [], "all": []}
        for seed in range(ROUNDS + 1):
            times = frame_times(path, clip.fps / 2, seed)
            sides = {
                "ours": partial(run, steps, path, seed),
                "peer": partial(decode, path, times),
                "all": partial(decode_all, path, times),
            }
            for name, seconds in alternate(sides, 1, 0, time.process_time).items():
                spent[name] += seconds if seed else []
        what = f"{clip.name}, {clip.width} x {clip.height}"
        kwargs = dict(scale=1000, unit="ms")
        results += [
            result("5", what, spent["ours"], spent["peer"], None, **kwargs),
            result(
                "5",
                f"{what}: by decoding all",
                spent["ours"],
                spent["all"],
                None,
                **kwargs,
            ),
        ]
        ours_all.append(spent["ours"])
        peer_all.append(spent["peer"])
    web = len(WEB)
    ours = [sum(turn) for turn in zip(*ours_all[:web])]
    peer = [sum(turn) for turn in zip(*peer_all[:web])]
    kwargs = dict(scale=1000 / web, unit="ms")
    return [result("5", "all web files", ours, peer, GOAL, **kwargs), *results]


if __name__ == "__main__":
    report(main())
