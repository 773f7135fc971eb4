"""Two processes under the hooks of joint training; one never hears a sound."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from engine.joint_run import NAMES

from mmstconv.engine.hooks.gradient_modulation_hook import coefficients

SCRIPT = Path(__file__).with_name("joint_worker.py")


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("joint")
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    processes = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), str(rank), str(folder)],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        for process in processes:
            output, _ = process.communicate(timeout=120)  # a hang ends here
            assert process.returncode == 0, output
    finally:
        for process in processes:
            process.kill()
    return [torch.load(folder / f"rank{rank}.pt") for rank in range(2)]


def test_weights_stay_the_same_though_noise_is_added(ranks):
    first, second = ranks
    assert first["seed"] != second["seed"]  # diff_rank_seed
    for name, value in first["weights"].items():
        assert torch.equal(value, second["weights"][name]), name


def test_confidences_are_of_both_batches(ranks):
    joint = {name: [0.0, 0.0] for name in NAMES}
    for rank in ranks:
        for name, (right, count) in rank["confidence"].items():
            joint[name][0] += right
            joint[name][1] += count
    assert joint["audio"][1] == 4 and joint["rgb"][1] == joint["flow"][1] == 8
    mean = {name: right / count for name, (right, count) in joint.items()}
    expected = coefficients(mean, 0.5)
    assert min(expected.values()) < 1
    for rank in ranks:
        assert rank["k"] == pytest.approx(expected, abs=1e-6)


def test_blending_sees_the_losses_of_both(ranks):
    first, second = ranks
    assert first["history"] == second["history"]
    assert first["blend"] == second["blend"]
    assert sum(first["blend"].values()) == pytest.approx(1)
    means = first["history"][0]["train"]
    (one, weights), (two, _) = first["losses"], second["losses"]
    for name in ("fused", "rgb", "flow"):
        assert means[name] == pytest.approx((one[name] + two[name]) / 2 / weights[name])
    assert means["audio"] == pytest.approx(one["audio"] / weights["audio"])
