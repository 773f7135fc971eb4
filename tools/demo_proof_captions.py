"""The proof of captions: from the demo's streams to a table of subsets."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.runner import Runner

sys.path.insert(0, str(Path(__file__).parent / "data"))
from demo_proofs import TOOLS, Place, Proof, join_streams, subset_options
from demo_sentences import OF_SOUND, SLOTS, bound, known, redrawn
from make_caption_dataset import clips_of

from mmstconv.apis import load_recognizer
from mmstconv.evaluation.outcomes import members
from mmstconv.evaluation.shapley import shapley_values

CONFIGS = TOOLS.parent / "configs/captioning/demo"
CONFIG = CONFIGS / "lstm_stconvnet-lstm_demo-captions-rgb-flow-audio.py"
STREAM = CONFIGS / "stconvnet-lstm_demo-seen-rgb.py"
MAKER = "make_caption_dataset.py"
ALL = "rgb+flow+audio"
REQUIRED = 0.97  # exact sentences of all modalities
KNOWN = 0.98  # right words of those that can be known
CHANCE = (0.46, 0.54)  # and of those that cannot
#: Flow shows the outline of what moves: more than chance is no leak, and no duty.
VAGUE = {("flow", "shape"), ("flow+audio", "shape")}
REDRAWS = 20
SIGMAS = 3  # sampling noise that is no leak


def prove(place: Place) -> Proof:
    """Data, the RGB stream, cached steps, training, test, and what came out."""
    place.script("data", TOOLS / "data" / MAKER, place.data)
    own = place.train(STREAM, seen_of(place), step="train rgb")
    streams = dict(rgb=own, flow=place.streams, audio=place.streams)
    place.streams = join_streams(streams, place.work_dir / "streams.pth")
    cache = place.cache_steps(CONFIG)
    where = [*options_of(place), *cache_options(cache)]
    checkpoint = place.train(CONFIG, where)
    report = place.work_dir / "report"
    place.mmstconv(
        "test",
        *("test", CONFIG, checkpoint, "--work-dir", place.work_dir),
        *("--cfg-options", *where, f"test_evaluator.out_dir={report}"),
    )
    measured = measure(place, report, str(checkpoint), cache)
    return Proof(table(measured), judge(measured), measured)


def seen_of(place: Place) -> list[str]:
    """``--cfg-options`` of the first stage: where its clips are."""
    dataset = "train_dataloader.dataset"
    return [
        f"{dataset}.ann_file={place.data / 'seen.txt'}",
        f"{dataset}.data_prefix.video={place.data / 'seen'}",
        f"{dataset}.metainfo.classes={place.data / 'classes.txt'}",
    ]


def options_of(place: Place) -> list[str]:
    """``--cfg-options`` of the second: where sentences, words and videos are."""
    words = f"model.cls_head.words={place.data / 'words.txt'}"
    return [words, *subset_options(place.data, ".csv")]


def cache_options(cache: Path) -> list[str]:
    """``--cfg-options``: where the cached steps are."""
    return [
        f"{split}_dataloader.dataset.pipeline.0.cache={cache}"
        for split in ("train", "val", "test")
    ]


def measure(place: Place, report: Path, checkpoint: str, cache: Path) -> dict:
    """What was said, and which words each subset would choose."""
    drawn = json.loads((place.data / "manifest.json").read_text())
    clips = clips_of(drawn["seed"], "test", drawn["sizes"]["test"])
    found = json.loads((report / "caption_report.json").read_text())
    by_file = {Path(row["file"]).name: row for row in found["classes"]}
    rows = [by_file[f"test_{k:04d}.mp4"] for k in range(len(clips))]
    said = [row["caption"] for row in rows]
    exact = [text == clip.sentence for text, clip in zip(said, clips)]
    silent = [k for k, clip in enumerate(clips) if clip.silent]
    heard = [k for k, clip in enumerate(clips) if not clip.silent]
    truths = [clips[k].words for k in heard]
    rng, subsets, worth = np.random.default_rng(0), {}, {}
    for name, words in chosen_words(place, checkpoint, cache, clips).items():
        answers = [{slot: words[slot][k] for slot in SLOTS} for k in heard]
        right = share_of_exact(answers, truths)
        worth[members(name)] = right
        again = [
            share_of_exact(answers, redrawn(truths, name, rng)) for _ in range(REDRAWS)
        ]
        subsets[name] = dict(
            slots={
                slot: float(
                    np.mean([a[slot] == t[slot] for a, t in zip(answers, truths)])
                )
                for slot in SLOTS
            },
            exact=right,
            bound=bound(name),
            redrawn=float(np.mean(again)),
            deviation=float(np.std(again, ddof=1)),
            bleu=found["measures"][f"BLEU-4/{name}"],
            cider=found["measures"][f"CIDEr-D/{name}"],
        )
    return dict(
        subsets=subsets,
        shapley={k: float(v) for k, v in shapley_values(worth).items()},
        exact=float(np.mean(exact)),
        exact_without_sound=float(np.mean([exact[k] for k in silent])),
        sound_of_silent=sum(bool({*said[k].split()} & {*OF_SOUND}) for k in silent),
        files=len(clips),
        silent=len(silent),
    )


def share_of_exact(answers: Sequence[dict], truths: Sequence[dict]) -> float:
    """Of sentences with the right word in every slot."""
    pairs = zip(answers, truths)
    return float(np.mean([all(a[s] == t[s] for s in SLOTS) for a, t in pairs]))


@torch.no_grad()
def chosen_words(place: Place, checkpoint: str, cache: Path, clips: Sequence) -> dict:
    """``{subset: {slot: word of each clip}}``, chosen behind the true beginning.

    What is said would not do for files with sound that is taken away: then the sentence
    ends before it states what nobody heard.
    """
    model = load_recognizer(str(CONFIG), checkpoint, "cpu")
    chosen: dict[str, dict[str, list]] = {}
    done = 0
    for inputs, samples in batches_of(place, cache, model):
        texts = [
            clip._replace(silent=False).sentence
            for clip in clips[done:][: len(samples)]
        ]
        done += len(samples)
        for name, part in model.fuse(inputs, samples).subsets():
            words = chosen.setdefault(name, {slot: [] for slot in SLOTS})
            for slot, options in SLOTS.items():
                words[slot] += model.cls_head.choose(part, texts, options)
    return chosen


def batches_of(place: Place, cache: Path, model) -> Iterator[tuple]:
    """What the model is given of the test."""
    loader = model.cfg.test_dataloader
    loader.dataset.ann_file = str(place.data / "test.csv")
    loader.dataset.data_prefix.video = str(place.data / "videos")
    loader.dataset.pipeline[0].cache = str(cache)
    for batch in Runner.build_dataloader(loader):
        ready = model.data_preprocessor(batch, False)
        yield ready["inputs"], ready["data_samples"]


def table(measured: dict) -> str:
    lines = [f"{'captions':16s}" + "".join(f"{slot:>11s}" for slot in SLOTS)]
    lines[0] += (
        f"{'exact':>8s}{'bound':>8s}{'redrawn':>16s}{'BLEU-4':>8s}{'CIDEr-D':>9s}"
    )
    for name, one in measured["subsets"].items():
        line = f"{name:16s}"
        for slot, right in one["slots"].items():
            line += f"{right:{10}.3f}" + ("*" if slot in known(name) else " ")
        line += f"{one['exact']:8.3f}{one['bound']:8.3f}"
        line += f"{one['redrawn']:9.3f} +-{one['deviation']:.3f}"
        lines.append(line + f"{one['bleu']:8.3f}{one['cider']:9.2f}")
    lines.append("* can be known; chosen behind the true beginning, files with sound")
    gains = measured["shapley"]
    shares = ", ".join(f"{name} {gains[name]:.3f}" for name in members(ALL))
    lines.append(f"Shapley values of the exact choice: {shares}")
    lines.append(
        "exact sentences said of all {files} files: {exact:.3f}, of the {silent} "
        "without sound {exact_without_sound:.3f}; {sound_of_silent} of these speak of "
        "sound".format(**measured)
    )  # fmt: skip
    return "\n".join(lines)


def judge(measured: dict) -> list[str]:
    """What is not as it must be."""
    faults = []
    if measured["exact"] < REQUIRED:
        faults.append(f"captions: {measured['exact']:.3f} exact < {REQUIRED} required")
    if measured["sound_of_silent"]:
        faults.append("captions: a file without sound is said to sound")
    for name, one in measured["subsets"].items():
        for slot, right in one["slots"].items():
            if slot not in known(name):
                if not CHANCE[0] <= right <= CHANCE[1]:
                    faults.append(
                        f"captions: {slot} of {name} is right in {right:.3f}, not in "
                        f"{CHANCE[0]} to {CHANCE[1]}: the data leak it"
                    )
            elif right < KNOWN and (name, slot) not in VAGUE:
                faults.append(
                    f"captions: {slot} of {name} is right in {right:.3f} < {KNOWN}"
                )
        if abs(one["exact"] - one["redrawn"]) > SIGMAS * one["deviation"] + 1e-6:
            faults.append(
                f"captions: {name} is exact in {one['exact']:.3f}, and in "
                f"{one['redrawn']:.3f} +- {one['deviation']:.3f} when what it cannot "
                "know is redrawn"
            )
    return faults
