"""The proof of the shared trunk: heads of two tasks, joined, on films read once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from demo_proof_events import CONFIG as EVENTS
from demo_proof_events import options_of as event_options
from demo_proof_summaries import options_of as summary_options
from demo_proofs import TOOLS, Place, Proof

from mmstconv.apis import choose_shots, detect, extract_film_steps, load_recognizer
from mmstconv.apis.analysis_json import event_as_json
from mmstconv.apis.summarize import shots_as_json
from mmstconv.disk import is_own

SUMMARY = (
    TOOLS.parent / "configs/multi_task/demo" / "summary-8-steps_demo-rgb-flow-audio.py"
)
FILMS = 2  # of each data set
SHARE = 0.15


def prove(place: Place) -> Proof:
    """A head for summaries beside that for events, both joined, and what is said.

    The data are those of the proofs of events and summaries, and so is the head for
    events, if these have been here before.
    """
    root, work_dir = place.data.parent, place.work_dir.parent
    parts = {"events": _events(work_dir, root, place.streams)}
    place.data = root / "demo_summaries"
    cache = place.prepare(SUMMARY, "make_summary_dataset.py")
    parts["summary"] = SUMMARY, place.train(SUMMARY, summary_options(place, cache))
    joined = place.work_dir / "joined.pth"
    tasks = [x for name, files in parts.items() for x in ("--task", name, *files)]
    place.mmstconv("join", "join_tasks", *tasks, "--out", joined)
    films = [film for name in ("demo_events", "demo_summaries") for film in
             sorted((root / name / "videos").glob("test_*.mp4"))[:FILMS]]  # fmt: skip
    out = place.work_dir / "analysis.json"
    if is_own(out):  # of an earlier joined model, which analyze does not go on with
        for path in (out, out.with_name(f"{out.name}.run.jsonl")):
            path.unlink(missing_ok=True)
    model = joined.with_suffix(".py"), joined
    place.mmstconv("analyze", "analyze", *model, *films, "--out", out, quiet=False)
    found = json.loads(out.read_text())["results"]
    measured = measure(parts, {one["video"]: one for one in found.values()})
    return Proof(table(measured), judge(measured), measured)


def _events(work_dir: Path, root: Path, streams: Path) -> tuple[Path, Path]:
    """Config and checkpoint of the proof of events, which is not repeated."""
    place = Place("demo_events", work_dir, root / "demo_events", streams)
    cache = place.prepare(EVENTS, "make_event_dataset.py")
    return EVENTS, place.train(EVENTS, event_options(place, cache))


def measure(parts: dict[str, tuple[Path, Path]], found: dict[str, dict]) -> dict:
    """What is said of each film beside what its own model says of it."""
    torch.set_num_threads(1)  # small layers
    events, summary = (
        load_recognizer(str(config), str(checkpoint), "cpu")
        for config, checkpoint in (parts["events"], parts["summary"])
    )
    films = {}
    for name, said in found.items():
        own = sorted(detect(events, name))
        steps = extract_film_steps(summary, name)
        shots, _ = shots_as_json(choose_shots(summary, steps, SHARE))
        films[name] = dict(
            events=len(own),
            shots=len(shots),
            difference=max(
                _difference(said["events"], [event_as_json(one) for one in own]),
                _difference(said["summary"]["shots"], shots),
            ),
        )
    return dict(films=films)


def _difference(ours: list[dict], theirs: list[dict]) -> float:
    """The largest of the numbers in lists; infinite where words or counts differ."""
    if len(ours) != len(theirs):
        return float("inf")
    largest = 0.0
    for one, other in zip(ours, theirs):
        if one.keys() != other.keys():
            return float("inf")
        for key, value in other.items():
            if isinstance(value, (str, bool)):
                largest = max(largest, 0.0 if one[key] == value else float("inf"))
            else:
                off = np.abs(np.asarray(one[key]) - np.asarray(value))
                largest = max(largest, float(off.max()))
    return largest


def table(measured: dict) -> str:
    lines = [f"{'one trunk':34s}{'events':>8s}{'shots':>8s}{'difference':>12s}"]
    for name, one in measured["films"].items():
        film = Path(name)
        name = f"{film.parent.parent.name}/{film.name}"
        line = f"{name:34s}{one['events']:8d}{one['shots']:8d}"
        lines.append(f"{line}{one['difference']:12.1e}")
    lines.append("difference: to what each head's own model says, in the last digits")
    return "\n".join(lines)


def judge(measured: dict) -> list[str]:
    """What is not as it must be; times are written with three digits."""
    return [
        f"one trunk: of {name} it says something else than single models "
        f"(difference {one['difference']:.1e})"
        for name, one in measured["films"].items()
        if not one["difference"] <= 1.1e-3
    ]
