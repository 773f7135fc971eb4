"""The proof of summaries: an ideal model passes it, one that leaks or errs does not."""

from __future__ import annotations

import copy
import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from conftest import load_script
from mmengine.config import Config

PROOF = load_script("tools/demo_proof_summaries.py")
PROOFS = load_script("tools/demo_proofs.py")
DEMO = load_script("tools/data/demo_importance.py")
NAMES = ("rgb", "flow", "audio")
SUBSETS = ["none", *("+".join(s) for k in (1, 2, 3) for s in combinations(NAMES, k))]
STEPS = 3  # of a shot


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """What an ideal model says of the films that a seed draws, and their shots."""
    folder = tmp_path_factory.mktemp("made")
    drawn = dict(seed=3, sizes=dict(training=0, validation=0, test=12))
    (folder / "manifest.json").write_text(json.dumps(drawn))
    shots, samples = PROOF.shots_of(folder), []
    films = PROOF.films_of(3, "test", 12)
    for (name, highlights), film in zip(shots.items(), films):
        assert (film.highlights == highlights).all()
        first = np.arange(20) * STEPS
        rated = {
            subset: np.repeat(DEMO.expected_importance(highlights, subset) / 4, STEPS)
            for subset in SUBSETS
        }
        samples.append(
            dict(
                filename=f"/data/{name}",
                pred_importance=rated["rgb+flow+audio"],
                subset_importance=rated,
                user_importance=np.repeat(film.scores.clip(1, 4), STEPS, axis=1),
                change_points=np.stack([first, first + STEPS - 1], axis=1),
            )
        )
    return samples, shots


def test_an_ideal_model_reaches_its_bounds(films):
    measured = PROOF.measure(*films)
    assert PROOF.judge(measured) == [], measured
    for name, one in measured["subsets"].items():
        found = one.get("redrawn", one["reached"])
        assert found == pytest.approx(one["bound"], abs=0.1), name
    gained, full = measured["shapley"], measured["subsets"]["rgb+flow+audio"]
    assert sum(gained.values()) == pytest.approx(full["reached"][1])
    lines = PROOF.table(measured).splitlines()
    assert len(lines) == 8 + 2 and lines[1].startswith("none")


def test_what_leaks_or_errs_is_a_fault(films):
    """Flow that knows the tone as well; all modalities that rate shots by lot."""
    samples, shots = copy.deepcopy(films[0]), films[1]
    rng = np.random.default_rng(0)
    for one in samples:
        rated = one["subset_importance"]
        rated["flow"] = rated["rgb+flow+audio"]
        rated["rgb+flow+audio"] = rng.random(20).repeat(STEPS)
    faults = "\n".join(PROOF.judge(PROOF.measure(samples, shots)))
    for expected in (
        "summaries: F1 is",
        "summaries: rho is",
        "F1 of flow is 1.000, and",
        "rho of flow is",
    ):
        assert expected in faults, faults


def test_the_options_point_at_all_data_sets_of_the_config(tmp_path):
    place = PROOFS.Place("summaries", tmp_path, Path("/data"), Path("/streams.pth"))
    cfg = Config.fromfile(PROOF.CONFIG)
    options = PROOF.options_of(place, Path("/cache"))
    cfg.merge_from_dict(dict(one.split("=", 1) for one in options))
    loaders = str([cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader])
    assert "data/demo_summaries" not in loaders and "work_dirs" not in loaders
