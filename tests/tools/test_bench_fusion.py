"""tools/benchmarks/fusion.py: what its settings tell, what it runs and writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
import torch
from conftest import ROOT

from mmstconv.models.fusion import __all__ as registered

sys.path.append(str(ROOT / "tools/benchmarks"))
import fusion
import fusion_cost
import fusion_runs
import fusion_settings
import fusion_tables
from fusion_settings import SETTINGS

SMALL = """
import fusion, sys
fusion.DEFAULT, fusion.SEEDS = "MaxFusion", 1
fusion.PROTOCOL.update(steps=2, train=32, test=16)
fusion.OUT = fusion.Path(sys.argv.pop(1))
fusion.measure_cost = lambda operators: []
fusion.main()
"""
FLAGS = ["--operators", "MaxFusion", "--settings", "missing"]


def rng(seed=0):
    return np.random.default_rng(seed)


def readable(drawn, streams):
    """Accuracy of the best answer to what these streams show, by counting."""
    seen = [
        tuple(
            int(drawn.bits[name][row]) if drawn.present[name][row] else None
            for name in streams
        )
        for row in range(len(drawn.labels))
    ]
    together = Counter(zip(seen, drawn.labels.tolist()))
    best: dict = {}
    for (key, _), count in together.items():
        best[key] = max(best.get(key, 0), count)
    return sum(best.values()) / len(seen)


# --------------------------------------------------------------------- settings


def test_bounds_are_those_of_the_counts():
    """In the test, and but for the shortcut in training as well."""
    for name, setting in SETTINGS.items():
        for split in ("test",) if name == "shortcut" else ("test", "train"):
            drawn = setting.draw(split, 64, rng())
            counts = set(Counter(drawn.labels.tolist()).values())
            assert counts == {64 // setting.classes}, (name, split)
            assert readable(drawn, setting.streams) == setting.bound, (name, split)
            alone = {s: readable(drawn, [s]) for s in setting.streams}
            assert alone == setting.alone, (name, split)


def test_shortcut_holds_in_training_only():
    draw = SETTINGS["shortcut"].draw
    train, test = draw("train", 400, rng()), draw("test", 400, rng())
    for value in (0, 1):
        rows = train.labels == value
        assert (train.bits["rgb"][rows] == value).sum() == 190  # 95 % of 200
        rows = test.labels == value
        assert (test.bits["rgb"][rows] == value).sum() == 100
    assert readable(train, ["audio"]) == readable(test, ["audio"]) == 1


def test_sums_cannot_tell_xor():
    """No two functions of a bit each have a sum that says whether the bits differ."""
    drawn = SETTINGS["xor"].draw("train", 64, rng())
    cases = set(zip(drawn.bits["rgb"], drawn.bits["audio"], drawn.labels))
    assert cases == {(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)}


def test_sizes_that_cannot_be_balanced():
    with pytest.raises(ValueError, match="size must be a multiple of 8, got 12"):
        SETTINGS["noise"].draw("train", 12, rng())


# ------------------------------------------------------------------------ clips


@pytest.fixture(scope="module")
def pool():
    return fusion_settings.Pool(dict(train=32, test=16))


def test_each_input_carries_its_factor(pool):
    inputs, bits = pool.inputs["train"], pool.bits["train"]
    red_or_blue = inputs["rgb"][:, 0] - inputs["rgb"][:, 2]  # (N, T, H, W)
    # the object moves: what is not still is its colour
    warm = red_or_blue.std(dim=1).flatten(1)
    pixel = warm.argmax(dim=1)
    seen = red_or_blue.flatten(2).transpose(1, 2)[torch.arange(32), pixel]  # (N, T)
    median = red_or_blue.flatten(1).median(dim=1).values
    most = seen[torch.arange(32), (seen - median[:, None]).abs().argmax(dim=1)]
    assert np.mean((most < median).numpy() == bits["rgb"]) > 0.9
    down = inputs["flow"][:, 1].mean(dim=(1, 2, 3)) > 0
    assert np.mean(down.numpy() == bits["flow"]) > 0.9
    loudest = inputs["audio"].argmax(dim=1).float()  # (N, L), the band
    falls = loudest.diff(dim=1).clamp(-2, 2).sum(dim=1) < 0
    assert np.mean(falls.numpy() == bits["audio"]) > 0.8


def test_faint_sound_is_the_same_sweep_in_more_noise(pool):
    inputs = pool.inputs["train"]
    spread = {name: inputs[name].std(dim=1).mean() for name in ("audio", "faint")}
    assert spread["faint"] < 0.6 * spread["audio"]
    both = torch.stack([inputs[name] for name in spread])  # (2, N, B, L)
    both = (both - both.mean(dim=3, keepdim=True)).flatten(2)
    both = both / both.norm(dim=2, keepdim=True)
    own = (both[0] * both[1]).sum(dim=1).mean()
    other = (both[0] * both[1].roll(1, 0)).sum(dim=1).mean()
    assert own > other + 0.1


def test_samples_show_the_bits_that_were_drawn(pool):
    drawn = SETTINGS["complementary"].draw("train", 64, rng())
    clips = pool.pick("train", drawn, rng())
    for name, bits in drawn.bits.items():
        assert np.array_equal(pool.bits["train"][name][clips[name]], bits)
        assert set(Counter(clips[name].tolist()).values()) == {2}  # 64 of 32
    assert len({tuple(row) for row in zip(*clips.values())}) > 32


def test_absent_sound_is_nan(pool):
    data = fusion_runs.Samples(pool, SETTINGS["missing"], "test", rng())
    absent = 0
    for one in data:
        here = one["data_samples"].presence
        assert here["rgb"] and here["flow"]
        assert one["inputs"]["audio"].isnan().all() == (not here["audio"])
        absent += not here["audio"]
    assert absent == 8


# ------------------------------------------------------------- runs and tables


def test_every_operator_takes_part():
    assert set(fusion_runs.OPERATORS) == set(registered) - {"FusionOperator"}


def test_stream_trained_alone_fits_the_joint_model():
    plain = fusion_runs.Strategy()
    alone = fusion_runs.build("ConcatFusion", 2, ("rgb",), plain)
    weights = alone.streams.state_dict(prefix="streams.")
    for operator in fusion_runs.OPERATORS:
        joint = fusion_runs.build(operator, 8, ("rgb", "audio"), plain)
        missing, unexpected = joint.load_state_dict(weights, strict=False)
        # A model of maps has no LSTMs.
        left = [key for key in unexpected if not key.startswith("streams.rgb.neck")]
        assert not left, (operator, left)
        assert bool(unexpected) == joint.joint.takes_maps, operator
        lost = [key for key in missing if key.startswith("streams.rgb")]
        assert not lost, (operator, lost)


def run_command(out):
    command = [sys.executable, "-c", SMALL, str(out), *FLAGS]
    path = os.pathsep.join([str(ROOT), str(ROOT / "tools/benchmarks")])
    env = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(out.read_text())


@pytest.mark.slow
def test_command_writes_and_goes_on(tmp_path):
    out = tmp_path / "bench" / "fusion.json"
    said, rows = run_command(out)
    alone = ["audio alone", "flow alone", "rgb alone"]
    assert sorted((row["operator"], row["strategy"]) for row in rows) == [
        *(("ConcatFusion", strategy) for strategy in alone),
        *(("MaxFusion", strategy) for strategy in ("auxiliary losses", "joint")),
    ]
    for row in rows:
        assert row["setting"] == "missing"
        assert row["seed"] == 0 and 0 <= row["accuracy"] <= 1
        assert row["accuracy"] * 16 == round(row["accuracy"] * 16)
        stream = row["strategy"].removesuffix(" alone")
        assert row["bound"] == SETTINGS["missing"].alone.get(stream, 0.75)
        assert next(iter(row["subsets"])) == "none"
    table = out.with_suffix(".md").read_text()
    assert table in said and "| `MaxFusion` | " in table
    assert "| auxiliary losses | " in table

    # One run is lost, and the file holds one of another length.
    (joint,) = [row for row in rows if row["strategy"] == "joint"]
    other = dict(joint, steps=99, accuracy=1.0)
    kept = [other, *(row for row in rows if row is not joint)]
    out.write_text(json.dumps(kept))
    said, again = run_command(out)
    assert "1 runs to do" in said
    assert again[: len(kept)] == kept
    (repeated,) = again[len(kept) :]
    assert {**repeated, "seconds": 0} == {**joint, "seconds": 0}
    assert out.with_suffix(".md").read_text() == table


def test_plan(monkeypatch):
    monkeypatch.setattr(fusion, "DEFAULT", "MaxFusion")
    monkeypatch.setattr(fusion, "SEEDS", 1)
    jobs = fusion.plan(["SumFusion", "MaxFusion"], ["shortcut", "xor"])
    assert len(set(jobs)) == len(jobs)
    runs = Counter((job.setting, job.operator) for job in jobs)
    strategies = len(fusion_runs.STRATEGIES)
    assert runs == {
        ("shortcut", "ConcatFusion"): 2,  # each stream alone
        ("shortcut", "SumFusion"): 2,
        ("shortcut", "MaxFusion"): strategies,
        ("xor", "ConcatFusion"): 2,
        ("xor", "SumFusion"): 1,
        ("xor", "MaxFusion"): 2,
    }


def test_table():
    def row(strategy, seed, accuracy, operator="SumFusion", setting="shortcut"):
        return dict(
            operator=operator,
            setting=setting,
            strategy=strategy,
            seed=seed,
            accuracy=accuracy,
        )

    rows = [
        *(row("rgb alone", seed, 0.5, "ConcatFusion") for seed in range(2)),
        row("audio alone", 0, 0.9, "ConcatFusion"),
        row("audio alone", 1, 0.3, "ConcatFusion"),  # best only once: 0.6 in the mean
        row("joint", 0, 0.98),
        row("joint", 1, 0.94),
        row("joint", 0, 0.25, "MaxFusion"),
        row("auxiliary losses", 0, 0.75),
        row("auxiliary losses", 0, 0.5, "MaxFusion"),
        row("joint", 0, 0.125, setting="missing"),
        row("auxiliary losses", 0, 1, setting="missing"),  # of one operator alone
    ]
    text = fusion_tables.write_tables(rows, [], "SumFusion")
    operators, strategies = text.split("Strategies with `SumFusion`.")
    c, d = SETTINGS["shortcut"].title, SETTINGS["missing"].title
    lines = operators.splitlines()
    assert f"| operator | {c} | {c}; auxiliary losses | {d} |" in lines
    assert "| bound | 100 | 100 | 75 |" in lines
    assert "| best stream alone | 60.0 ± 42.4 | 60.0 ± 42.4 |  |" in lines
    assert "| `SumFusion` | 96.0 ± 2.8 | 75.0 | 12.5 |" in lines
    assert "| `MaxFusion` | 25.0 | 50.0 |  |" in lines
    lines = strategies.splitlines()
    assert "| joint | 96.0 ± 2.8 | 12.5 |" in lines
    assert "| auxiliary losses | 75.0 | 100.0 |" in lines


def test_cost_counts_what_layers_have():
    rows = {row["operator"]: row for row in fusion_cost.measure_cost(["SumFusion"], 3)}
    concat, total = rows["ConcatFusion"], rows["SumFusion"]
    assert concat["time_ratio"] == 1
    assert concat["parameters"] == 768 * 101 + 101
    assert concat["multiply_adds"] == 768 * 101
    assert total["parameters"] == 3 * (256 * 256 + 256) + 256 * 101 + 101
    assert total["multiply_adds"] == 3 * 256 * 256 + 256 * 101
    assert total["time_ratio"] > 0


# ------------------------------------------------------------------------- docs


def test_docs_name_every_operator_setting_and_strategy():
    text = (ROOT / "docs/fusion.md").read_text()
    for name in fusion_runs.OPERATORS:
        assert text.count(f"| `{name}` | ") == 2, name  # accuracy and cost
    for name, setting in SETTINGS.items():
        assert name == "xor-scratch" or setting.title in text, name
    for name in fusion_runs.STRATEGIES:
        assert f"| {name} | " in text, name
