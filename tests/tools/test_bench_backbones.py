"""tools/benchmarks/backbones.py: what it draws, counts and writes."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from conftest import ROOT, load_script

sys.path.append(str(ROOT / "tools/benchmarks"))

TOOL = load_script("tools/benchmarks/backbones.py")
CLIPS = load_script("tools/benchmarks/backbone_clips.py")


@pytest.mark.parametrize("modality", ["rgb", "flow", "audio"])
def test_two_batches_of_one_candidate(modality, tmp_path, monkeypatch, capsys):
    name = next(iter(TOOL.CANDIDATES[modality]))
    flags = ["--modality", modality, "--seeds", "1", "--steps", "2", "--only", name]
    monkeypatch.setattr(sys, "argv", ["backbones.py", *flags, "--out", str(tmp_path)])
    monkeypatch.setattr(TOOL, "TESTED", TOOL.BATCH)
    TOOL.main()
    (row,) = json.loads((tmp_path / f"backbones_{modality}.json").read_text())
    assert row["name"] == name and row["time_ratio"] == 1
    assert 0 <= row["accuracy"][0] <= 1
    assert name in capsys.readouterr().out


def test_candidates_cost_the_same():
    for modality in ("rgb", "audio"):
        costs = [
            TOOL.multiply_adds(backbone, modality)
            for backbone in TOOL.CANDIDATES[modality].values()
        ]
        assert max(costs) / min(costs) < 1.1


def test_multiply_adds_by_hand():
    stage = dict(channels=5, stride=(1, 2, 2))
    net = dict(type="STConvNet", stages=[stage], norm_cfg=None)
    places = TOOL.STEPS * (TOOL.SIZE // 2) ** 2
    assert TOOL.multiply_adds(net, "rgb") == places * 5 * 3 * 27


def test_sound_rises_and_falls():
    """The frequency where most power is goes up in course 0, down in course 1."""
    rng, seen = np.random.default_rng(0), set()
    while seen != {0, 1}:
        wave, timbre, course = CLIPS.draw_sound(rng)
        if timbre or course > 1:
            continue
        first, last = (
            np.abs(np.fft.rfft(part * np.hanning(4000)))[:800].argmax()
            for part in (wave[:4000], wave[-4000:])
        )
        assert (last > first) == (course == 0)
        seen.add(course)
