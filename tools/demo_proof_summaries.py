"""The proof of summaries: from the demo's streams to a table of subsets."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent / "data"))
from demo_importance import (
    SCALE,
    SHARE,
    bounds,
    draw_scores,
    perceived,
    redrawn,
    spearman,
)
from demo_proofs import TOOLS, Place, Proof
from make_summary_dataset import films_of

from mmstconv.evaluation.outcomes import members
from mmstconv.evaluation.shapley import shapley_values
from mmstconv.evaluation.summary_samples import read_rated_video

CONFIG = TOOLS.parent / "configs/summarization/demo" / "summary_demo-rgb-flow-audio.py"
ALL = "rgb+flow+audio"
SCORES = ("F1", "rho")
#: A subset for each choice of factors that can be perceived.
KINDS = {tuple(perceived(name)): name for name in ("none", "rgb", "audio", ALL)}
REQUIRED = (0.95, 0.85)  # of all modalities
NEAR = (0.04, 0.07)  # what perceives one factor is as near to its bounds
REDRAWS = 20
SIGMAS = 3  # sampling noise that is no leak


def prove(place: Place) -> Proof:
    """Data, cached steps, training, test, and what came out."""
    cache = place.prepare(CONFIG, "make_summary_dataset.py")
    samples = place.train_and_test(CONFIG, options_of(place, cache))
    measured = measure(samples, shots_of(place.data))
    return Proof(table(measured), judge(measured), measured)


def options_of(place: Place, cache: Path) -> list[str]:
    """``--cfg-options``: where the data and the cache are."""
    options = []
    for split in ("train", "val", "test"):
        dataset = f"{split}_dataloader.dataset"
        options += [
            f"{dataset}.ann_file={place.data / 'summaries.json'}",
            f"{dataset}.data_prefix.video={place.data / 'videos'}",
            f"{dataset}.pipeline.0.cache={cache}",
        ]
    return options


def shots_of(data: Path) -> dict[str, np.ndarray]:
    """What the shots of each test film have, ``(S, 2)``, as they were drawn."""
    drawn = json.loads((data / "manifest.json").read_text())
    films = films_of(drawn["seed"], "test", drawn["sizes"]["test"])
    return {f"test_{k:04d}.mp4": film.highlights for k, film in enumerate(films)}


def measure(samples: list[dict], shots: dict[str, np.ndarray]) -> dict:
    """Scores of each subset beside their bounds and those of redrawn truth."""
    rng, subsets, worth = np.random.default_rng(0), {}, {}
    reachable = {known: list(bounds(name, films=200)) for known, name in KINDS.items()}
    for name in samples[0]["subset_importance"]:
        reached = np.mean([scores_of(one, name) for one in samples], axis=0)
        subsets[name] = dict(
            reached=reached.tolist(), bound=reachable[tuple(perceived(name))]
        )
        worth[members(name)] = float(reached[1])
        if len(members(name)) != 1:
            continue
        again = [
            np.mean([redrawn_scores_of(one, name, shots, rng) for one in samples], 0)
            for _ in range(REDRAWS)
        ]
        subsets[name]["redrawn"] = np.mean(again, axis=0).tolist()
        subsets[name]["deviation"] = np.std(again, axis=0, ddof=1).tolist()
    gains = {name: float(one) for name, one in shapley_values(worth).items()}
    return dict(subsets=subsets, shapley=gains, films=len(samples))


def scores_of(sample: dict, name: str, users: np.ndarray | None = None) -> list[float]:
    """F1 and rho of a subset in one film, by its users or by others ``(U, T)``."""
    importance = np.asarray(sample["subset_importance"][name], np.float64)
    video = read_rated_video(sample, len(importance))
    if users is not None:
        video = video._replace(user_importance=users)
    rhos = [spearman(importance, user) for user in video.user_importance]
    return [video.f1(importance, "tvsum", SHARE), float(np.mean(rhos))]


def redrawn_scores_of(
    sample: dict, name: str, shots: dict[str, np.ndarray], rng: np.random.Generator
) -> list[float]:
    """The same when what a subset cannot know of the film is drawn anew."""
    users = draw_scores(rng, redrawn(shots[Path(sample["filename"]).name], name, rng))
    users = np.clip(users, *SCALE)  # as the data set reads them
    edges = np.asarray(sample["change_points"])
    lengths = edges[:, 1] - edges[:, 0] + 1
    return scores_of(sample, name, np.repeat(users, lengths, axis=1))


def table(measured: dict) -> str:
    lines = [f"{'summaries':16s}{'F1':>7s}{'bound':>7s}{'redrawn':>16s}"]
    lines[0] += f"{'rho':>9s}{'bound':>7s}{'redrawn':>16s}"
    for name, one in measured["subsets"].items():
        line = f"{name:16s}"
        for k in range(2):
            line += f"{one['reached'][k]:{9 if k else 7}.3f}{one['bound'][k]:7.3f}"
            again = ""
            if "redrawn" in one:
                again = f"{one['redrawn'][k]:.3f} +-{one['deviation'][k]:.3f}"
            line += f"{again:>16s}"
        lines.append(line.rstrip())
    gains = measured["shapley"]
    shares = ", ".join(f"{name} {gains[name]:.3f}" for name in members(ALL))
    lines.append(f"Shapley values of rho: {shares}")
    return "\n".join(lines)


def judge(measured: dict) -> list[str]:
    """What is not as it must be.

    Of those that miss something, the mean over truths with what they miss drawn anew
    counts: which of the shots that look alike have the tone is chance in few films.
    """
    faults = []
    for name, one in measured["subsets"].items():
        for k, score in enumerate(SCORES):
            reached = one["reached"][k]
            if name == ALL and reached < REQUIRED[k]:
                faults.append(
                    f"summaries: {score} is {reached:.3f} < {REQUIRED[k]} required"
                )
            if "redrawn" not in one:
                continue
            mean, deviation = one["redrawn"][k], one["deviation"][k]
            if abs(mean - one["bound"][k]) > NEAR[k]:
                faults.append(
                    f"summaries: {score} of {name} is {mean:.3f}, not within "
                    f"{NEAR[k]} of {one['bound'][k]:.3f}"
                )
            if abs(reached - mean) > SIGMAS * deviation + 1e-6:
                faults.append(
                    f"summaries: {score} of {name} is {reached:.3f}, and {mean:.3f} "
                    f"+- {deviation:.3f} when what it cannot know is redrawn"
                )
    return faults
