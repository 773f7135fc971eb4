"""The proof of events: an ideal model passes it, one that leaks or errs does not."""

from __future__ import annotations

import copy
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT, load_script
from mmengine.config import Config

from mmstconv.disk import ForeignFile

TASKS = load_script("tools/demo_tasks.py")
PROOF = load_script("tools/demo_proof_events.py")
PROOFS = load_script("tools/demo_proofs.py")
EVENTS = load_script("tools/data/demo_events.py")
NAMES = ("rgb", "flow", "audio")
SUBSETS = ["none", *("+".join(s) for k in (1, 2, 3) for s in combinations(NAMES, k))]


def ideal(subset, timeline, rng):
    """Every event that modalities perceive, with a class drawn of those alike."""
    segments, labels = [], []
    for part in timeline:
        seen = EVENTS.perceived(EVENTS.label_of(part), subset)
        if set(seen) <= {"none"}:
            continue
        alike = [c for c in EVENTS.CLASSES if EVENTS.perceived(c, subset) == seen]
        segments += [part[:2]] * len(alike)
        labels += [EVENTS.CLASSES.index(one) for one in alike]
    scores = rng.uniform(0.1, 1, len(labels))
    return dict(
        segments=np.array(segments, float).reshape(-1, 2),
        labels=np.array(labels, int),
        scores=scores,
    )


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(5)
    found = []
    for timeline in EVENTS.draw_timelines(rng, 60, 48.0):
        truth = dict(
            segments=np.array([part[:2] for part in timeline], float).reshape(-1, 2),
            labels=np.array(
                [EVENTS.CLASSES.index(EVENTS.label_of(part)) for part in timeline], int
            ),
        )
        subsets = {name: ideal(name, timeline, rng) for name in SUBSETS}
        found.append(dict(gt_instances=truth, subset_instances=subsets))
    return found


def test_an_ideal_model_reaches_its_bounds(samples):
    measured = PROOF.measure(samples)
    for name, one in measured["subsets"].items():
        assert one["mAP@0.50"] == pytest.approx(one["bound"], abs=0.03), name
        assert one["hidden"] == 0
    for name in NAMES:
        mean, deviation = measured["subsets"][name]["redrawn"]
        assert mean == pytest.approx(measured["subsets"][name]["bound"], abs=0.03)
        assert 0 < deviation < 0.03
    worth = measured["subsets"]
    gained = sum(measured["shapley"].values())
    full, none = worth["rgb+flow+audio"], worth["none"]
    assert gained == pytest.approx(full["average_mAP"] - none["average_mAP"])
    assert measured["edge_error"] == 0 and PROOF.judge(measured) == []
    assert len(PROOF.table(measured).splitlines()) == 8 + 3


def test_what_leaks_or_errs_is_a_fault(samples):
    """RGB that knows the glide as well; edges a tenth of a second off."""
    wrong = copy.deepcopy(samples)
    for one in wrong:
        subsets = one["subset_instances"]
        subsets["rgb"] = copy.deepcopy(subsets["rgb+flow+audio"])
        subsets["rgb+flow+audio"]["segments"] += 0.1
    faults = PROOF.judge(PROOF.measure(wrong))
    assert [
        any(text in fault for fault in faults)
        for text in (
            "edges are off by 0.100 s",
            "rgb reaches 1.000, not in 0.25 to 0.33",
            "rgb finds a class that it cannot perceive",
            "when what it cannot know is redrawn",
        )
    ] == [True] * 4, faults


def test_streams_of_several_checkpoints(tmp_path):
    """Of each its own stream alone; nothing is written over what is somebody else's."""
    given = {}
    for value, name in enumerate(NAMES):
        weights = {f"streams.{one}.w": torch.full((2,), float(value)) for one in NAMES}
        weights["cls_head.w"] = torch.zeros(1)
        given[name] = tmp_path / f"{name}.pth"
        torch.save(dict(state_dict=weights), given[name])
    out = PROOFS.join_streams(given, tmp_path / "streams.pth")
    joined = torch.load(out, weights_only=True)["state_dict"]
    assert {key: float(value[0]) for key, value in joined.items()} == {
        f"streams.{name}.w": float(value) for value, name in enumerate(NAMES)
    }
    written = out.stat().st_mtime_ns
    PROOFS.join_streams(given, out)
    assert out.stat().st_mtime_ns == written
    torch.save(dict(state_dict={}), out)
    with pytest.raises(ForeignFile, match=r"streams\.pth"):
        PROOFS.join_streams(given, out)


def test_the_options_point_at_all_data_sets_of_the_config(tmp_path):
    place = PROOFS.Place("events", tmp_path, Path("/data"), Path("/streams.pth"))
    options = PROOF.options_of(place, Path("/cache"))
    cfg = Config.fromfile(PROOF.CONFIG)
    cfg.merge_from_dict(dict(one.split("=", 1) for one in options))
    loaders = str([cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader])
    assert "data/demo_events" not in loaders and "work_dirs" not in loaders
    assert "tools/demo_tasks.py" in (ROOT / "Makefile").read_text() and TASKS.PROOFS
