"""bfloat16 on a CPU: as MMEngine's wrapper in all but the precision."""

from __future__ import annotations

import copy
import os
import subprocess
import sys

import pytest
import torch
from engine.toy_run import toy_config, toy_runner
from mmaction.registry import OPTIM_WRAPPERS
from mmengine.optim import OptimWrapper
from torch import nn

from mmstconv.engine.cpu import CPUAmpOptimWrapper, time_of_bfloat16
from mmstconv.engine.hooks import InvalidLossError
from mmstconv.engine.launch import build_runner


@pytest.fixture
def net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv3d(3, 8, 3, padding=1, bias=False),
        nn.BatchNorm3d(8),
        nn.ReLU(),
        nn.MaxPool3d(2),
        nn.Flatten(2),
        nn.Linear(64, 4),
        nn.Flatten(),
        nn.Linear(32, 5),
    )


def step_of(wrapper, model, *, count=1, **settings):
    """Losses and gradients of ``count`` steps on one batch."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    optim_wrapper = wrapper(optimizer=optimizer, **settings)
    if "accumulative_counts" in settings:
        optim_wrapper.initialize_count_status(model, 0, count)
    random = torch.Generator().manual_seed(1)
    clips = torch.randn(4, 3, 8, 8, 8, generator=random)
    labels = torch.arange(4)
    losses = []
    for _ in range(count):
        with optim_wrapper.optim_context(model):
            scores = model(clips)
            loss = nn.functional.cross_entropy(scores.float(), labels)
        losses.append(loss.item())
        optim_wrapper.update_params(loss)
    return scores, losses, optim_wrapper


def test_close_to_float32(net):
    plain = copy.deepcopy(net)
    scores, (loss,), _ = step_of(CPUAmpOptimWrapper, net)
    expected_scores, (expected,), _ = step_of(OptimWrapper, plain)
    assert scores.dtype == torch.bfloat16
    assert expected_scores.dtype == torch.float32
    assert loss == pytest.approx(expected, rel=0.02)
    for one, other in zip(net.parameters(), plain.parameters()):
        assert one.dtype == torch.float32
        moved, size = (one - other).norm(), other.norm()
        assert moved <= 0.02 * size + 1e-3


def test_learns_and_keeps_float32(net):
    _, losses, optim_wrapper = step_of(
        CPUAmpOptimWrapper, net, count=20, clip_grad=dict(max_norm=1.0)
    )
    assert losses[-1] < losses[0] / 2
    tensors = [
        *net.parameters(),
        *(p.grad for p in net.parameters() if p.grad is not None),
    ]
    for state in optim_wrapper.optimizer.state.values():
        tensors.append(state["momentum_buffer"])
    assert {tensor.dtype for tensor in tensors} == {torch.float32}


def test_accumulates(net):
    """Two batches that are the same move the weights as one of them does."""
    with torch.no_grad():
        net[1].eval()
    twice = copy.deepcopy(net)
    step_of(CPUAmpOptimWrapper, net)
    step_of(CPUAmpOptimWrapper, twice, count=2, accumulative_counts=2)
    for one, other in zip(net.parameters(), twice.parameters()):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_layout_and_not_values(net):
    before = {name: value.clone() for name, value in net.state_dict().items()}
    parameters = list(net.parameters())
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with CPUAmpOptimWrapper(optimizer=optimizer).optim_context(net):
        pass
    assert net[0].weight.is_contiguous(memory_format=torch.channels_last_3d)
    assert all(one is other for one, other in zip(net.parameters(), parameters))
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name])


def test_checkpoint_of_one_with_a_loss_scaler(net):
    """What a GPU trained with ``--amp`` goes on here."""
    _, _, optim_wrapper = step_of(CPUAmpOptimWrapper, net)
    state = optim_wrapper.state_dict()
    assert "loss_scaler" not in state
    _, _, resumed = step_of(CPUAmpOptimWrapper, copy.deepcopy(net))
    resumed.load_state_dict({**state, "loss_scaler": dict(scale=2.0)})
    for key, value in optim_wrapper.optimizer.state_dict()["state"].items():
        loaded = resumed.optimizer.state_dict()["state"][key]["momentum_buffer"]
        assert torch.equal(loaded, value["momentum_buffer"])


def test_registered():
    assert OPTIM_WRAPPERS.get("CPUAmpOptimWrapper") is CPUAmpOptimWrapper


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("extra", [dict(), dict(dtype="bfloat16", use_fsdp=False)])
def test_launched_in_place_of_theirs(extra, tmp_path, monkeypatch):
    cfg = toy_config(tmp_path, optim_wrapper__type="AmpOptimWrapper")
    cfg.optim_wrapper.update(loss_scale="dynamic", **extra)
    monkeypatch.setattr("mmstconv.engine.launch.Runner.from_cfg", toy_runner)
    runner = build_runner(cfg, "some.py", None, "none")
    runner.train()
    assert type(runner.optim_wrapper) is CPUAmpOptimWrapper
    assert "loss_scale" not in cfg.optim_wrapper


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_an_invalid_loss_stops_it(tmp_path, monkeypatch):
    cfg = toy_config(tmp_path, optim_wrapper__type="AmpOptimWrapper")
    cfg.optim_wrapper.optimizer.lr = float("nan")
    monkeypatch.setattr("mmstconv.engine.launch.Runner.from_cfg", toy_runner)
    with pytest.raises(InvalidLossError):
        build_runner(cfg, "some.py", None, "none").train()


CONVERTS = """
import torch
from torch import nn

from mmstconv.engine.cpu import CPUAmpOptimWrapper

net = nn.Linear(2, 2)
CPUAmpOptimWrapper(optimizer=torch.optim.SGD(net.parameters(), lr=0.1))
"""


def test_a_processor_that_is_slow_in_bfloat16_is_told():
    """oneDNN is told that this one has no instructions for it, so it converts."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CONVERTS],
        env={**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX512_CORE"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "slow in bfloat16" in done.stdout + done.stderr
    assert "Without --amp" in done.stdout + done.stderr


def test_the_trial_of_bfloat16_draws_no_random_numbers():
    before = torch.get_rng_state()
    assert time_of_bfloat16(rounds=1) > 0
    assert torch.equal(torch.get_rng_state(), before)
