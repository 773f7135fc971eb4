"""The demo's verdict: a leak and a failure are told, sampling noise is not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from conftest import load_script

demo = load_script("tools/demo.py")


def results(glide_without_lstm=0.5, **accuracy):
    """Runs at their bounds, but for what is given."""
    factors = dict(colour=0.5, motion=0.5, glide=glide_without_lstm)
    runs = {
        name: SimpleNamespace(accuracy=accuracy.get(name, bound), samples=320)
        for name, bound in demo.BOUND.items()
    }
    for name in demo.ABLATION:
        runs[name] = SimpleNamespace(accuracy=0.125, samples=320, factors=factors)
    return runs


def test_at_the_bounds_all_is_well():
    assert demo.judge(results()) == []


@pytest.mark.parametrize("name", ["flow", "audio", "rgb", "rgb+flow"])
def test_a_little_luck_is_no_leak_and_much_is_one(name):
    bound = demo.BOUND[name]
    sigma = (bound * (1 - bound) / 320) ** 0.5
    assert demo.judge(results(**{name: bound + 2.9 * sigma})) == []
    (fault,) = demo.judge(results(**{name: bound + 3.1 * sigma}))
    assert fault.startswith(name) and "leak" in fault


@pytest.mark.parametrize(
    "name, accuracy", [("rgb+flow+audio", 0.96), ("flow", 0.21), ("audio", 0.21)]
)
def test_too_little_learned(name, accuracy):
    (fault,) = demo.judge(results(**{name: accuracy}))
    assert fault.startswith(name) and "required" in fault


def test_a_glide_known_without_temporal_order():
    (fault,) = demo.judge(results(glide_without_lstm=0.7))
    assert "without temporal order" in fault


def test_a_failing_command_shows_the_end_of_its_log(tmp_path):
    args = SimpleNamespace(work_dir=tmp_path, data_root=tmp_path)
    run = demo.Run("none", "no_such_config.py", args, threads=1)
    run.work_dir.mkdir()
    with pytest.raises(RuntimeError, match=r"(?s)none: mim train.*no_such_config"):
        run._mim("train")
