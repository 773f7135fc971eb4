"""The proof of frames to come: measured on small models, judged on made figures."""

from __future__ import annotations

import copy

import pytest
import torch
from conftest import load_script
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

PROOF = load_script("tools/demo_proof_frames.py")
MAKE = load_script("tools/data/make_frame_dataset.py")
TASKS = load_script("tools/demo_tasks.py")


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Models that have learnt nothing."""
    folder = tmp_path_factory.mktemp("proof")
    data = folder / "data"
    MAKE.make_dataset(data, {"training": 0, "validation": 0, "test": 4}, seed=1)
    options = PROOF.subset_options(data, ".txt")
    init_default_scope("mmaction")
    found = {}
    for name in PROOF.CONFIGS:
        config = PROOF.FOLDER / f"{name}.py"
        torch.manual_seed(0)
        model = MODELS.build(Config.fromfile(config).model)
        checkpoint = folder / f"{name}.pth"
        torch.save(dict(state_dict=model.state_dict()), checkpoint)
        found[name] = PROOF.measure(config, checkpoint, options, data)
        found[name]["processor_minutes"] = 0.0
    return found


def test_what_is_measured(measured):
    ours = measured[PROOF.OURS]
    assert set(ours["after"]) == {
        "last_frame",
        "flow",
        "sound",
        "silent",
        "wrong_sound",
    }
    assert ours["errors"]["bound"][:2] == [0, 0]
    for one in measured.values():
        assert 1.5e6 < one["parameters"] < 2.4e6
        # every pair holds both futures: no silent forecast is below the bound
        assert one["after"]["silent"] >= 1 - 1e-4
        assert one["after"]["last_frame"] >= 1 - 1e-4
    # an untrained one repeats the last frame
    assert ours["before"]["silent"] == pytest.approx(
        ours["before"]["last_frame"], rel=0.1
    )
    assert ours["before"]["flow"] < ours["before"]["last_frame"]
    assert "silent" in PROOF.table(measured) and "2." in PROOF.table(measured)
    assert any("with sound the error" in fault for fault in PROOF.judge(measured))


def test_what_is_judged(measured):
    good = copy.deepcopy(measured)
    ours = good[PROOF.OURS]
    ours["after"].update(sound=0.2, silent=1.1, wrong_sound=3.4)
    ours["before"]["sound"] = 0.5 * ours["before"]["flow"]
    for one in good.values():
        one["redrawn"] = (one["after"]["silent"], 0.01)
    assert PROOF.judge(good) == []
    faults = {
        "with sound the error": ("after", "sound", 0.26),
        "silent: 0.960 of the bound": ("after", "silent", 0.96),
        "wrong_sound: 0.900 of the bound": ("after", "wrong_sound", 0.9),
        "before the turn": ("before", "sound", 0.8 * ours["before"]["flow"]),
        "when turns are redrawn": ("after", "silent", 1.2),
    }
    for message, (part, name, value) in faults.items():
        bad = copy.deepcopy(good)
        bad[PROOF.OURS][part][name] = value
        assert any(message in fault for fault in PROOF.judge(bad)), message


def test_it_is_a_task():
    assert TASKS.PROOFS["demo_frames"][0].CONFIGS == PROOF.CONFIGS
    assert all((PROOF.FOLDER / f"{name}.py").exists() for name in PROOF.CONFIGS)
