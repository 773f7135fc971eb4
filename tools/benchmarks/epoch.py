"""Row 15: a tri-modal training from video files beside three trainings of MMAction2's.

    python tools/benchmarks/epoch.py [--rounds N]

Ours is one run of the default model on video files; a second on prepared files, whose
making counts; a third without what our launcher sets. The peer extracts flow images and
audio features (extraction.py), then trains RGB, flow and audio one after the other, in
its own recognizers, heads and data sets. Files, epochs, batches, loader processes and
streams are the same. Whole runs from config to checkpoint, each side in a process of
its own that has started.

The goal is for flow by Farneback; TV-L1, MMAction2's default, is computed from a few
pairs. Other lines leave extraction out or are for more epochs: what an epoch more takes
is from trainings on the list written several times.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing.pool import Pool
from pathlib import Path
from unittest import mock

import trainings
from bench_clips import FOLDER as MEDIA
from bench_clips import Clip, files
from extraction import extract_flow, extract_sound
from measuring import Result, in_all, result, script
from trainings import MODALITIES, seconds_of

from mmstconv.media.writing.preparing import prepare_media

FOLDER = Path("work_dirs/bench/epoch")
FPS = 30
SPAWN = multiprocessing.get_context("spawn")  # not forked: this process has threads
OURS = {"video": "video files", "prepared": "prepared files"}
#: Short, which suits the peer: it extracts whole files, and Kinetics' last 10 s.
CLIPS = tuple(Clip(f"epoch_{k:02d}.mp4", 320, 240, FPS, seconds=3.0) for k in range(16))
LOADING = dict(batch_size=4, num_workers=2)
LAUNCHER = dict(GOMP_SPINCOUNT="10000", OPENBLAS_NUM_THREADS="1")  # of tools/train.py
LONG = 4  # how often the longer trainings see each file
MANY = 50  # epochs of the line that is computed
PAIRS = 3  # that TV-L1 is measured on
PROCESSES = 2  # that extract
WARMUP = 1  # trainings of each side before: the first one imports what it needs


def extract(pool: Pool, videos: Sequence[Path], folder: Path) -> dict[str, float]:
    """Everything that is made once: seconds of flow, sound and prepared files."""
    for part in ("flow", "audio", "prepared"):
        shutil.rmtree(folder / part, ignore_errors=True)
    made = folder / "prepared"
    made.mkdir()
    work = {
        "flow": (extract_flow, [(x, folder / "flow" / x.stem) for x in videos]),
        "audio": (extract_sound, [(x, folder / "audio") for x in videos]),
        "prepared": (prepare_media, [(x, made / x.name) for x in videos]),
    }
    return {
        part: seconds_of(partial(pool.starmap, function, jobs, chunksize=1))
        for part, (function, jobs) in work.items()
    }


def tvl1_seconds(video: Path, folder: Path, pairs: int) -> float:
    """What flow of so many pairs would take by TV-L1, from a few pairs."""
    work = partial(extract_flow, video, folder / "tvl1", "tvl1", PAIRS)
    return seconds_of(work) / PAIRS * pairs / PROCESSES


def process(**environment: str) -> ProcessPoolExecutor:
    """One process, which has started, that does what it is given, in turn."""
    made = ProcessPoolExecutor(1, mp_context=SPAWN)
    with mock.patch.dict(os.environ, environment):  # of which it gets a copy
        made.submit(time.sleep, 0).result()
    return made


def trainings_of(videos: list[Path], counts: list[int], folder: Path) -> dict:
    """By name, what runs a training: a function of trainings.py, and its arguments."""
    work = {}
    for suffix, times in (("", 1), ("-long", LONG)):
        place = folder / f"lists{suffix}"
        place.mkdir(exist_ok=True)
        listed = (videos * times, counts * times, place, folder / "prepared")
        lists = trainings.write_lists(*listed)
        for kind, function, name in (
            ("video", trainings.train_ours, "video"),
            ("prepared", trainings.train_ours, "prepared"),
            ("plain", trainings.train_plain, "video"),
        ):
            run = (lists[name], folder / f"ours-{kind}", LOADING, FPS)
            work[f"{kind}{suffix}"] = (function, *run)
        for modality in MODALITIES:
            run = (modality, lists, folder, LOADING)
            work[f"{modality}{suffix}"] = (trainings.train_peer, *run)
    return work


def time_all(rounds: int, folder: Path) -> dict[str, list[float]]:
    """Seconds of every part in every round."""
    folder.mkdir(parents=True, exist_ok=True)
    videos = [path.absolute() for path in files(CLIPS, MEDIA)]
    counts = [round(clip.fps * clip.seconds) for clip in CLIPS]
    work = trainings_of(videos, counts, folder)
    names = (*work, "x-flow", "x-audio", "x-prepared")
    spent: dict[str, list[float]] = {name: [] for name in names}
    with SPAWN.Pool(PROCESSES) as pool, process(**LAUNCHER) as ours, process() as peer:

        def take(name: str) -> float:
            side = ours if work[name][0] is trainings.train_ours else peer
            return side.submit(seconds_of, *work[name]).result()

        # importing is no part of the work
        pool.map(time.sleep, [0.5] * PROCESSES, chunksize=1)
        pairs = sum(counts) - len(counts)
        spent["x-tvl1"] = [tvl1_seconds(videos[0], folder, pairs)]
        for turn in range(rounds):
            for name, seconds in extract(pool, videos, folder).items():
                spent[f"x-{name}"].append(seconds)
            if turn == 0:
                for name in ("video", *MODALITIES) * WARMUP:
                    take(name)
            for name in list(work) if turn % 2 else reversed(work):
                spent[name].append(take(name))
    return spent


def training(spent: dict[str, list[float]], *names: str) -> tuple[list[float], ...]:
    """Seconds in each round: of one epoch, of one more, and computed of ``MANY``."""
    first = in_all(spent[name] for name in names)
    long = in_all(spent[f"{name}-long"] for name in names)
    more = [(x - one) / (LONG - 1) for one, x in zip(first, long)]
    return first, more, [one + (MANY - 1) * x for one, x in zip(first, more)]


def lines(spent: dict[str, list[float]]) -> Iterator[Result]:
    """The table."""
    first, more, many = training(spent, *MODALITIES)
    fast = in_all([spent["x-flow"], spent["x-audio"]])
    slow = [spent["x-tvl1"][0] + sound for sound in spent["x-audio"]]
    nothing = [0.0] * len(first)
    clips = f"{len(CLIPS)} clips of {CLIPS[0].seconds:g} s, one epoch"
    longer = f"files {LONG} times in a list"
    computed = f"computed from the parts for {MANY} epochs"
    for kind, what in OURS.items():
        made = spent.get(f"x-{kind}", nothing)  # before the first epoch
        own, own_more, own_many = training(spent, kind)
        for name, mine, before, other, extracted, goal, note in (
            ("extraction in it", own, made, first, fast, 0.3, clips),
            ("the same by TV-L1", own, made, first, slow, None, f"{PAIRS} pairs"),
            ("without extraction", own, nothing, first, nothing, None, ""),
            ("one epoch more", own_more, nothing, more, nothing, None, longer),
            ("Farneback", own_many, made, many, fast, None, computed),
            ("TV-L1", own_many, made, many, slow, None, computed),
        ):
            sides = in_all([mine, before]), in_all([other, extracted])
            yield result("15", f"{what}: {name}", *sides, goal, note=note)
    what = "video files: one epoch more, by the same without our launcher"
    sides = training(spent, "video")[1], training(spent, "plain")[1]
    yield result("15", what, *sides)
    parts = {
        "extracting flow, Farneback": "x-flow",
        "extracting flow, TV-L1": "x-tvl1",
        "extracting audio features": "x-audio",
        **{f"training {name}": name for name in MODALITIES},
    }
    for what, name in parts.items():
        middle = statistics.median(spent[name])
        yield Result("15", f"peer: {what}", None, peer=middle)


def measure(rounds: int = 2) -> Iterator[Result]:
    yield from lines(time_all(rounds, FOLDER.absolute()))


if __name__ == "__main__":
    script(measure)
