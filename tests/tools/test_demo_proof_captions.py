"""The proof of captions: an ideal model passes it, one that leaks or errs does not."""

from __future__ import annotations

import copy
import json
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import load_script
from mmengine.config import Config

PROOF = load_script("tools/demo_proof_captions.py")
PROOFS = load_script("tools/demo_proofs.py")
TASKS = load_script("tools/demo_tasks.py")
NAMES = ("rgb", "flow", "audio")
SUBSETS = ["none", *("+".join(s) for k in (1, 2, 3) for s in combinations(NAMES, k))]
GROUPS = 2


def ideal(subset, clips):
    """The words that modalities know, else always the first one."""
    return {
        slot: [
            clip.words[slot] if slot in PROOF.known(subset) else options[0]
            for clip in clips
        ]
        for slot, options in PROOF.SLOTS.items()
    }


@pytest.fixture(scope="module")
def clips():
    return PROOF.clips_of(0, "test", GROUPS)


@pytest.fixture
def measure(clips, tmp_path, monkeypatch):
    """What is measured of sentences and of chosen words."""

    def run(said, chosen):
        place = SimpleNamespace(data=tmp_path)
        manifest = dict(seed=0, sizes=dict(test=GROUPS))
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
        rows = [
            dict(file=f"/data/test_{k:04d}.mp4", caption=text)
            for k, text in enumerate(said)
        ]
        measures = {f"{m}/{s}": 0.5 for m in ("BLEU-4", "CIDEr-D") for s in SUBSETS}
        found = dict(classes=rows[::-1], measures=measures)
        (tmp_path / "caption_report.json").write_text(json.dumps(found))
        monkeypatch.setattr(PROOF, "chosen_words", lambda *_: chosen)
        return PROOF.measure(place, tmp_path, "checkpoint", Path("cache"))

    return run


def test_an_ideal_model_reaches_its_bounds(clips, measure):
    said = [clip.sentence for clip in clips]
    measured = measure(said, {name: ideal(name, clips) for name in SUBSETS})
    assert PROOF.judge(measured) == []
    for name, one in measured["subsets"].items():
        assert one["exact"] == pytest.approx(one["bound"], abs=0.02), name
        for slot, right in one["slots"].items():
            assert right == (1.0 if slot in PROOF.known(name) else 0.5), (name, slot)
    assert measured["exact"] == measured["exact_without_sound"] == 1.0
    assert measured["silent"] == 8 * GROUPS and not measured["sound_of_silent"]
    gained = sum(measured["shapley"].values())
    assert gained == pytest.approx(1 - PROOF.bound("none"), abs=0.02)
    lines = PROOF.table(measured).splitlines()
    assert len(lines) == 1 + 8 + 3 and "1.000*" in lines[8]


def test_what_leaks_or_errs_is_a_fault(clips, measure):
    """RGB that knows the glide; a tone where nothing is heard; order by lot."""
    rng = np.random.default_rng(0)
    chosen = {name: ideal(name, clips) for name in SUBSETS}
    chosen["rgb"]["glide"] = chosen["audio"]["glide"]
    chosen["rgb+flow+audio"] = copy.deepcopy(chosen["rgb+flow+audio"])
    drawn = rng.choice(PROOF.SLOTS["order"], len(clips))
    chosen["rgb+flow+audio"]["order"] = [str(word) for word in drawn]
    said = [clip._replace(silent=False).sentence for clip in clips]
    faults = PROOF.judge(measure(said, chosen))
    assert [
        any(text in fault for fault in faults)
        for text in (
            "0.889 exact < 0.97 required",
            "a file without sound is said to sound",
            "glide of rgb is right in 1.000",
            "order of rgb+flow+audio is right in",
            "rgb is exact in 0.500, and in 0.2",
        )
    ] == [True] * 5, faults


def test_the_options_point_at_all_data_sets_of_the_configs(tmp_path):
    place = PROOFS.Place("captions", tmp_path, Path("/data"), Path("/streams.pth"))
    options = [*PROOF.options_of(place), *PROOF.cache_options(Path("/cache"))]
    for config, given in (
        (PROOF.CONFIG, options),
        (PROOF.STREAM, PROOF.seen_of(place)),
    ):
        cfg = Config.fromfile(config)
        cfg.merge_from_dict(dict(one.split("=", 1) for one in given))
        loaders = [cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader]
        text = str([*loaders, cfg.model.cls_head])
        assert "data/demo" not in text and "work_dirs" not in text, config
    assert TASKS.PROOFS["demo_captions"][1] == "demo_captions"
