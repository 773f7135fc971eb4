"""Row 12: a long video in windows of 32 frames that overlap by three quarters.

Ours: mmstconv.apis.score_video. Peer: the scheme of MMAction2's long_video_demo on the
same model, its RGB, flow and sound (recomputed.py). One core. The file is a drawn clip
whose packets are repeated; all of it is decoded. Memory: of an hour beside that of six
minutes, at a small size and in windows of 8 seconds so that it takes seconds.

    python tools/benchmarks/long_video.py
"""

from __future__ import annotations

import resource
from itertools import islice

import recomputed
import torch
from bench_clips import FOLDER, Clip
from long_media import build_model, looped
from measuring import Result, alternate, one_core, report, result

from mmstconv.apis import score_video
from mmstconv.models.streaming import WindowScorer

GOAL = 0.25
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
    seconds = ((ROUNDS + 3) * BURST * HOP + 32) / 12
    path = looped(CLIP, seconds)
    ours = score_video(model, path, hop=HOP)
    peer = recomputed.score_video(model, path, HOP)
    found: dict[str, list] = dict(ours=[], peer=[])
    spent = alternate(
        dict(
            ours=lambda: found["ours"].extend(islice(ours, BURST)),
            peer=lambda: found["peer"].extend(islice(peer, BURST)),
        ),
        ROUNDS,
        warmup=2,
    )
    starts = [[window[0] for window in side] for side in found.values()]
    assert len(starts[0]) == (ROUNDS + 2) * BURST
    assert all(abs(a - b) < 1e-6 for a, b in zip(*starts))
    return result(
        "12",
        "long video, one window of four that overlap",
        spent["ours"],
        spent["peer"],
        GOAL,
        scale=1000 / BURST,
        unit=UNIT,
        note="decoding, flow, sound and model on both sides; each with its own decoder",
    )


@torch.inference_mode()
def compare_models() -> list[Result]:
    """The model alone, on frames that are ready.

    PyTorch's convolutions on a CPU are slow for a batch of one with small maps, which
    is what the scheme gives them; so the peer is also shown with two windows at a time.
    """
    model = build_model()
    window = dict(
        rgb=torch.randn(1, 1, 3, 32, 112, 112),
        flow=torch.randn(1, 1, 2, 32, 56, 56),
        audio=torch.randn(1, 1, 64, 267),
    )
    here = dict(rgb=True, flow=True, audio=True)
    two = {name: x.repeat(2, *[1] * (x.dim() - 1)) for name, x in window.items()}
    samples = [recomputed.data_sample(here) for _ in range(2)]
    scorer = WindowScorer(model, 32)
    piece = {name: window[name][0].repeat(1, 1, 2, 1, 1) for name in ("rgb", "flow")}
    state = dict(pushed=0, scored=0)

    def ours() -> None:
        scorer.push(piece)
        state["pushed"] += 64
        complete = (state["pushed"] - 32) // HOP + 1
        firsts = [HOP * number for number in range(state["scored"], complete)]
        scorer.score(firsts, window["audio"][0].repeat(len(firsts), 1, 1), here)
        state["scored"] = complete
        scorer.forget(complete * HOP)

    def peer() -> None:
        for _ in range(BURST):
            model.predict(window, samples[:1])

    def peer_by_two() -> None:
        for _ in range(BURST // 2):
            model.predict(two, samples)

    sides = dict(ours=ours, peer=peer, peer_by_two=peer_by_two)
    spent = alternate(sides, max(ROUNDS // 3, 1), warmup=1)
    return [
        result(
            "12",
            name,
            spent["ours"],
            spent[side],
            None,
            scale=1000 / BURST,
            unit=UNIT,
            note="sound, LSTM, fusion and head run on every window on both sides",
        )
        for side, name in (
            ("peer", "the model alone"),
            ("peer_by_two", "the model alone, the peer two windows at a time"),
        )
    ]


def memory() -> list[Result]:
    """Peak memory that a long file takes beyond that of a short one."""
    model = build_model(SMALL_SIZE, SMALL_FPS)
    peaks, sizes = [], []
    for minutes in (1, *MINUTES):  # the first one loads what is loaded once
        path = looped(SMALL, minutes * 60)
        windows = sum(1 for _ in score_video(model, path, hop=32))
        assert windows == int(minutes * 60 * SMALL_FPS / 32)
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        sizes.append(path.stat().st_size / 2**20)
    _, short, long = peaks
    name = f"peak memory: {MINUTES[1]} minutes by {MINUTES[0]}"
    note = (
        f"{long - short:.1f} MiB more, in which FFmpeg's index of the file, held twice "
        f"as frames and sound are read at two places; the file has {sizes[2]:.0f} MiB"
    )
    return [Result("12", name, long / short, None, 1.1, long, short, "MiB", note)]


if __name__ == "__main__":
    one_core()
    FOLDER.mkdir(parents=True, exist_ok=True)
    # memory first: the peak is the process's
    lines = memory()
    report([compare(), *compare_models(), *lines])
