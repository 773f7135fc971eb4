"""Row 15: a tri-modal training from video files beside three trainings of MMAction2's.

    python tools/benchmarks/speed/epoch.py [--rounds N]

Ours is one run of the default tri-modal model on video files. The peer extracts flow
images and audio features (see extraction.py), then trains three times: RGB from the
video files by its stock pipeline, flow from the images, audio from the features, in its
own recognizers, heads and data sets. Both have the same files, epochs, batches, loader
processes and streams (convolution and LSTM). Whole runs in this process, from the
config to the checkpoint; starting a process (row 14) is not in it.

The goal is for flow by Farneback, which suits the peer: TV-L1 is MMAction2's default
and takes far longer (measured on a few pairs, its line is computed from that). How
much extraction weighs depends on the number of epochs it serves: the lines without
extraction, of one epoch more, and for 50 epochs, say so. What an epoch more takes is
from trainings on the list written several times: the start of an epoch is not in it.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import shutil
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import trainings
from bench_clips import FOLDER as MEDIA
from bench_clips import Clip, files
from extraction import extract_flow, extract_sound
from measuring import Result, report, result
from mmengine.runner import Runner

from mmstconv.engine.launch import build_runner

FOLDER = Path("work_dirs/bench/epoch")
FPS = 30
#: Short, which suits the peer: it extracts whole files, and Kinetics' last 10 s.
CLIPS = tuple(Clip(f"epoch_{k:02d}.mp4", 320, 240, FPS, seconds=3.0) for k in range(16))
EPOCHS = 1
LONG = 4  # how often the longer trainings see each file
MANY = 50  # epochs of the line that is computed
PAIRS = 3  # that TV-L1 is measured on
PROCESSES = 2  # that extract
WARMUP = 1  # trainings of each side before: the first one imports what it needs


def seconds_of(work: Callable[[], object]) -> float:
    # The loader processes of the training before, of which some with decord only end
    # when PyTorch's 5 s are over, would be waited for in this one.
    gc.collect()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def extract(videos: Sequence[Path], folder: Path) -> dict[str, float]:
    """Everything that the peer needs; seconds of flow and of sound."""
    flow = [(path, folder / "flow" / path.stem) for path in videos]
    sound = [(path, folder / "audio") for path in videos]
    for part in ("flow", "audio"):
        shutil.rmtree(folder / part, ignore_errors=True)
    # not forked: this process has run threads
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        # importing is no part of the work
        pool.map(time.sleep, [0.5] * PROCESSES, chunksize=1)
        return {
            "flow": seconds_of(lambda: pool.starmap(extract_flow, flow, chunksize=1)),
            "audio": seconds_of(
                lambda: pool.starmap(extract_sound, sound, chunksize=1)
            ),
        }


def tvl1_seconds(video: Path, folder: Path, pairs: int) -> float:
    """What flow of so many pairs would take by TV-L1, from a few pairs."""
    work = partial(extract_flow, video, folder / "tvl1", "tvl1", PAIRS)
    return seconds_of(work) / PAIRS * pairs / PROCESSES


def train_ours(lists: dict, folder: Path) -> None:
    cfg = trainings.ours(lists, folder / "ours", EPOCHS, FPS)
    build_runner(cfg, str(trainings.OURS), None, "none").train()


def train_peer(modality: str, lists: dict, folder: Path) -> None:
    cfg = trainings.peer(modality, lists, folder, folder / modality, EPOCHS)
    Runner.from_cfg(cfg).train()


def measure(rounds: int, folder: Path) -> dict[str, list[float]]:
    """Seconds of every part in every round."""
    folder.mkdir(parents=True, exist_ok=True)
    videos = [path.absolute() for path in files(CLIPS, MEDIA)]
    counts = [round(clip.fps * clip.seconds) for clip in CLIPS]
    sides = {}
    for suffix, times in (("", 1), ("-long", LONG)):
        place = folder / f"lists{suffix}"
        place.mkdir(exist_ok=True)
        lists = trainings.write_lists(videos * times, counts * times, place)
        sides[f"ours{suffix}"] = partial(train_ours, lists, folder)
        for modality in trainings.MODALITIES:
            work = partial(train_peer, modality, lists, folder)
            sides[f"{modality}{suffix}"] = work
    spent: dict[str, list[float]] = {name: [] for name in (*sides, "x-flow", "x-audio")}
    spent["x-tvl1"] = [tvl1_seconds(videos[0], folder, sum(counts) - len(counts))]
    for turn in range(rounds):
        for name, seconds in extract(videos, folder).items():
            spent[f"x-{name}"].append(seconds)
        if turn == 0:
            for name in ("ours", *trainings.MODALITIES) * WARMUP:
                sides[name]()
        for name in list(sides) if turn % 2 else reversed(sides):
            spent[name].append(seconds_of(sides[name]))
    return spent


def peers(spent: dict[str, list[float]], suffix: str = "") -> list[float]:
    """The three trainings of each round, one after the other."""
    return [
        sum(turn)
        for turn in zip(*(spent[f"{name}{suffix}"] for name in trainings.MODALITIES))
    ]


def lines(spent: dict[str, list[float]]) -> list[Result]:
    """The table."""
    ours = spent["ours"]
    trained = peers(spent)
    one_more, trained_more = (
        [(long - short) / (EPOCHS * (LONG - 1)) for short, long in zip(*pair)]
        for pair in ((ours, spent["ours-long"]), (trained, peers(spent, "-long")))
    )
    rest = MANY - EPOCHS
    ours_many, trained_many = (
        [short + rest * more for short, more in zip(*pair)]
        for pair in ((ours, one_more), (trained, trained_more))
    )
    extracted = [sum(t) for t in zip(spent["x-flow"], spent["x-audio"])]
    slow = [spent["x-tvl1"][0] + sound for sound in spent["x-audio"]]
    clips = f"{len(CLIPS)} clips of {CLIPS[0].seconds:g} s, epochs: {EPOCHS}"

    def line(what, mine, peer, goal=None, note=""):
        return result("15", what, mine, peer, goal, note=note)

    def total(before, after):
        return [x + t for x, t in zip(before, after)]

    computed = f"computed from the parts for {MANY} epochs"
    found = [
        line("training, extraction in it", ours, total(extracted, trained), 0.3, clips),
        line("the same by TV-L1", ours, total(slow, trained), note=f"{PAIRS} pairs"),
        line("without extraction", ours, trained),
        line(
            "one epoch more",
            one_more,
            trained_more,
            note=f"files {LONG} times in a list",
        ),
        line("Farneback", ours_many, total(extracted, trained_many), note=computed),
        line("TV-L1", ours_many, total(slow, trained_many), note=computed),
    ]
    parts = {
        "extracting flow, Farneback": spent["x-flow"],
        "extracting flow, TV-L1": spent["x-tvl1"],
        "extracting audio features": spent["x-audio"],
        "training RGB": spent["rgb"],
        "training flow": spent["flow"],
        "training audio": spent["audio"],
    }
    for what, seconds in parts.items():
        peer = statistics.median(seconds)
        found.append(Result("15", f"peer: {what}", None, None, None, None, peer))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    report(lines(measure(args.rounds, FOLDER.absolute())))


if __name__ == "__main__":
    main()
