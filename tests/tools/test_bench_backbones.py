"""tools/benchmarks/backbones.py: what it draws, counts and writes."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from conftest import ROOT, load_script

sys.path.append(str(ROOT / "tools/benchmarks"))

TOOL = load_script("tools/benchmarks/backbones.py")
CLIPS = load_script("tools/benchmarks/backbone_clips.py")


@pytest.mark.parametrize("modality", ["rgb", "flow", "audio"])
def test_two_batches_of_one_candidate(modality, monkeypatch, capsys):
    name, backbone = next(iter(TOOL.CANDIDATES[modality].items()))
    flags = ["--modality", modality, "--seeds", "1", "--steps", "2"]
    monkeypatch.setattr(sys, "argv", ["backbones.py", *flags])
    monkeypatch.setattr(TOOL, "TESTED", TOOL.BATCH)
    monkeypatch.setitem(TOOL.CANDIDATES, modality, {name: backbone})
    TOOL.main()
    header, _, row = capsys.readouterr().out.splitlines()[-3:]
    text = (ROOT / "docs/backbones.md").read_text()
    assert header in text and row.startswith(f"| {name} | ")
    _, _, accuracy, macs, parameters, time, _ = row.split("|")
    assert 0 <= float(accuracy) <= 1 and float(time) == 1
    cells = f"|{macs}|{parameters}|"
    assert modality == "flow" or cells in text, row


def test_candidates_cost_the_same():
    for modality in ("rgb", "audio"):
        costs = [
            TOOL.cost(backbone, modality)
            for backbone in TOOL.CANDIDATES[modality].values()
        ]
        assert max(costs) / min(costs) < 1.1


def test_multiply_adds_by_hand():
    stage = dict(channels=5, stride=(1, 2, 2))
    net = dict(type="STConvNet", stages=[stage], norm_cfg=None)
    places = TOOL.STEPS * (TOOL.SIZE // 2) ** 2
    assert TOOL.cost(net, "rgb") == places * 5 * 3 * 27


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
