"""On-the-fly gradient modulation against the paper's equations, stated naively."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from engine.joint_run import NAMES, Clips, joint_runner
from mmengine.optim import OptimWrapper, OptimWrapperDict

from mmstconv.engine import GradientModulationHook
from mmstconv.engine.hooks.gradient_modulation_hook import (
    coefficients,
    convolution_weights,
    noise_like,
    step_generator,
)


def modulation(**options):
    return dict(dict(type="GradientModulationHook", noise=False), **options)


def log_of(runner, name):
    return runner.message_hub.get_scalar(f"train/modulation_{name}").current()


def own_confidence(model, rows, name):
    """Mean over the samples that have m of softmax_y(m alone)   (eq. 8)."""
    values = []
    inputs = {m: torch.stack([r["inputs"][m] for r in rows]).double() for m in NAMES}
    samples = []
    for row in rows:
        here = row["data_samples"].presence.get(name, True)
        sample = copy.deepcopy(row["data_samples"])
        presence = {m: here and m == name for m in NAMES}
        sample.set_metainfo(dict(presence=presence))
        samples.append(sample)
    scores = model(inputs, samples, mode="tensor")
    for row, sample, score in zip(rows, samples, scores):
        if sample.presence[name]:
            label = int(row["data_samples"].gt_label)
            values.append((score.exp() / score.exp().sum())[label].item())
    return sum(values) / len(values) if values else None


def naive_step(model, batches, alpha, lr=1.0):
    """The weights after one step on all batches together, in float64."""
    model = copy.deepcopy(model).double().train()
    sums = {name: [] for name in NAMES}
    for rows in batches:
        inputs = {
            m: torch.stack([r["inputs"][m] for r in rows]).double() for m in NAMES
        }
        samples = [row["data_samples"] for row in rows]
        state = copy.deepcopy(model.state_dict())
        for name in NAMES:
            own = own_confidence(model, rows, name)
            if own is not None:
                sums[name].append(own)
        model.load_state_dict(state)
        losses = model(inputs, samples, mode="loss")
        total = sum(value for key, value in losses.items() if "loss" in key)
        (total / len(batches)).backward()
    s = {name: sum(values) / len(values) for name, values in sums.items() if values}
    k = dict.fromkeys(NAMES, 1.0)
    for name in s:
        others = [s[m] for m in s if m != name]
        rho = s[name] * len(others) / sum(others)  # eq. 9
        k[name] = 1 - math.tanh(alpha * rho) if rho > 1 else 1.0  # eq. 10
    weights = {}
    for name, parameter in model.named_parameters():
        parts = name.split(".")
        factor = k[parts[1]] if parts[0] == "streams" else 1.0
        weights[name] = parameter.detach() - lr * factor * parameter.grad  # eq. 11
    return weights, k


SILENT = [{}, dict(audio=False), {}, dict(flow=False), dict(audio=False), {}]


@pytest.mark.parametrize("presence", [None, SILENT], ids=["all", "some absent"])
@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_one_step_is_that_of_the_equations(tmp_path, alpha, presence):
    data = Clips(presence=presence)
    runner = joint_runner(tmp_path, [modulation(alpha=alpha)], data=data)
    expected, k = naive_step(runner.model, [data.rows], alpha)
    assert min(k.values()) < 1 == max(k.values())
    runner.train()
    for name in NAMES:
        assert log_of(runner, name) == pytest.approx(k[name], abs=1e-5)
    for name, parameter in runner.model.named_parameters():
        torch.testing.assert_close(parameter.double(), expected[name], **CLOSE)


CLOSE = dict(atol=2e-5, rtol=1e-4)


def test_accumulated_batches_are_one_step(tmp_path):
    data = Clips(12)
    wrapper = dict(optimizer=dict(type="SGD", lr=1.0), accumulative_counts=2)
    runner = joint_runner(tmp_path, [modulation()], data=data, optim_wrapper=wrapper)
    expected, k = naive_step(runner.model, [data.rows[:6], data.rows[6:]], 0.5)
    runner.train()
    for name in NAMES:
        assert log_of(runner, name) == pytest.approx(k[name], abs=1e-5)
    for name, parameter in runner.model.named_parameters():
        torch.testing.assert_close(parameter.double(), expected[name], **CLOSE)


def test_the_dominating_stream_gets_less():
    assert coefficients(dict(a=0.6, b=0.2), 0.5) == dict(a=1 - math.tanh(1.5), b=1.0)
    three = coefficients(dict(a=0.9, b=0.5, c=0.1), 0.5)
    assert three["a"] == pytest.approx(1 - math.tanh(0.5 * 0.9 / 0.3))
    assert three["b"] == three["c"] == 1.0  # 0.5 is the mean of 0.9 and 0.1
    more = coefficients(dict(a=0.6, b=0.2), 1.0)["a"]
    assert 0 < more < coefficients(dict(a=0.6, b=0.2), 0.5)["a"]


def test_coefficients_at_the_ends():
    assert coefficients(dict(a=0.3, b=0.3), 5.0) == dict(a=1.0, b=1.0)
    assert coefficients(dict(a=0.3), 5.0) == dict(a=1.0)
    assert coefficients(dict(a=0.3, b=0.0), 0.5) == dict(a=0.0, b=1.0)
    assert coefficients(dict(a=0.0, b=0.0), 0.5) == dict(a=1.0, b=1.0)
    assert coefficients({}, 0.5) == {}


class EqualConfidence:
    """A head whose streams are level, whatever it is shown."""

    def __init__(self, head):
        self.original = head._confidence
        head._confidence = self

    def __call__(self, *args):
        level = torch.tensor([1.5, 6.0])
        return dict.fromkeys(self.original(*args), level)


def test_level_streams_train_as_without_bit_for_bit(tmp_path):
    results = []
    for hooks in ([], [modulation()]):
        runner = joint_runner(tmp_path, hooks, epochs=2)
        EqualConfidence(runner.model.cls_head)
        runner.train()
        results.append(runner.model.state_dict())
    for name, value in results[0].items():
        assert torch.equal(value, results[1][name]), name


def test_only_streams_change_and_only_convolutions_are_noisy(tmp_path):
    """Noise alone (level streams): what differs from plain training."""
    results = []
    for hooks in ([], [modulation(noise=True)]):
        runner = joint_runner(tmp_path, hooks)
        EqualConfidence(runner.model.cls_head)
        runner.train()
        results.append(dict(runner.model.named_parameters()))
    differ = {n for n, p in results[0].items() if not torch.equal(p, results[1][n])}
    streams = runner.model.streams
    noisy = {id(w) for w in convolution_weights(streams)}
    assert len(noisy) == 3
    assert differ == {n for n, p in results[1].items() if id(p) in noisy}


def test_noise_has_the_gradients_own_spread():
    torch.manual_seed(1)
    gradient = torch.randn(8, 4, 3, 3, 3).mul_(0.02).add_(0.5)  # its mean is no noise
    generator = torch.Generator().manual_seed(0)
    draws = torch.stack([noise_like(gradient, generator) for _ in range(400)])
    spread = gradient.std().item()
    count = draws.numel()
    assert draws.mean().abs() < 5 * spread / count**0.5
    assert draws.std().item() == pytest.approx(spread, rel=0.01)
    # each element by itself, and the draws of one another's company
    assert draws.std(dim=0).sub(spread).abs().max() < 0.25 * spread
    assert not torch.equal(draws[0], draws[1])


def test_noise_of_a_single_element_is_finite():
    generator = torch.Generator().manual_seed(0)
    assert noise_like(torch.ones(1, 1, 1), generator).item() == 0


def test_each_step_and_seed_has_its_own_noise():
    states = [(3, 0), (3, 1), (3, 1 << 33), (4, 0), (4, 1)]
    draws = [torch.randn(50, generator=step_generator(*state)) for state in states]
    again = torch.randn(50, generator=step_generator(3, 1))
    assert torch.equal(draws[1], again)
    for row in range(len(draws)):
        for other in range(row):
            assert not torch.equal(draws[row], draws[other])


def test_noise_is_the_same_after_resuming_and_differs_by_seed(tmp_path):
    hooks = [modulation(noise=True)]
    whole = joint_runner(tmp_path / "whole", hooks, epochs=2)
    start = copy.deepcopy(whole.model)
    whole.train()
    save = dict(type="CheckpointHook", interval=1)
    half = joint_runner(tmp_path / "half", hooks, checkpoint=save)
    half.train()
    path = tmp_path / "half" / "epoch_1.pth"
    again = joint_runner(
        tmp_path / "again", hooks, epochs=2, resume=True, load_from=str(path)
    )
    again.train()
    other = joint_runner(tmp_path / "other", hooks, epochs=2, seed=4, model=start)
    other.train()
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[name]), name
    weights = [next(convolution_weights(r.model.streams)) for r in (whole, other)]
    assert not torch.equal(*weights)


def test_it_ends_before_the_training_does(tmp_path):
    runner = joint_runner(tmp_path, [modulation(end=1)], epochs=3)
    runner.train()
    log, _ = runner.message_hub.get_scalar("train/modulation_rgb").data
    assert len(log) == 1
    assert not runner.model.cls_head.track_confidence
    assert not runner.optim_wrapper.optimizer._optimizer_step_pre_hooks


def test_a_modality_that_a_batch_lacks(tmp_path):
    """It counts for no one: the others are compared with each other."""
    data = Clips(presence=[dict(flow=False)] * 6)
    runner = joint_runner(tmp_path, [modulation(noise=True)], data=data)
    _, k = naive_step(runner.model, [data.rows], 0.5)
    before = copy.deepcopy(runner.model.streams.flow.state_dict())
    runner.train()
    assert log_of(runner, "rgb") == pytest.approx(k["rgb"], abs=1e-5)
    assert "train/modulation_flow" not in runner.message_hub.log_scalars
    for name, value in runner.model.streams.flow.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_after_clipping(tmp_path):
    """The clipped gradient is scaled: what is left is k times its norm."""
    wrapper = dict(
        optimizer=dict(type="SGD", lr=1.0), clip_grad=dict(max_norm=1e-3, norm_type=2)
    )
    moved = []
    for hooks in ([], [modulation()]):
        runner = joint_runner(tmp_path, hooks, optim_wrapper=wrapper)
        before = copy.deepcopy(runner.model)
        runner.train()
        pairs = zip(before.streams.parameters(), runner.model.streams.parameters())
        moved.append([(new - old).detach() for old, new in pairs])
    lengths = [torch.stack([m.norm() for m in one]).norm().item() for one in moved]
    assert lengths[1] < lengths[0] <= 1.01e-3


def test_scaled_losses(tmp_path):
    """What torch's GradScaler passes to the optimizer is unscaled by then."""

    class Scaled(OptimWrapper):
        scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)

        def backward(self, loss, **kwargs):
            super().backward(self.scaler.scale(loss), **kwargs)

        def step(self, **kwargs):
            self.scaler.step(self.optimizer, **kwargs)
            self.scaler.update()

    data = Clips()
    runner = joint_runner(tmp_path, [modulation()], data=data)
    runner.optim_wrapper = Scaled(torch.optim.SGD(runner.model.parameters(), lr=1.0))
    expected, _ = naive_step(runner.model, [data.rows], 0.5)
    runner.train()
    for name, parameter in runner.model.named_parameters():
        torch.testing.assert_close(parameter.double(), expected[name], **CLOSE)


def test_several_optimizers_are_refused(tmp_path):
    runner = joint_runner(tmp_path, [modulation()])
    parts = dict(
        streams=OptimWrapper(torch.optim.SGD(runner.model.streams.parameters(), 0.1)),
        head=OptimWrapper(torch.optim.SGD(runner.model.cls_head.parameters(), 0.1)),
    )
    runner.optim_wrapper = OptimWrapperDict(**parts)
    with pytest.raises(TypeError, match=r"one optimizer.*OptimWrapperDict"):
        runner.call_hook("before_train")


def test_a_model_without_streams_is_refused(tmp_path):
    runner = joint_runner(tmp_path, [modulation()])
    del runner.model.streams
    with pytest.raises(TypeError, match="needs a TriModalRecognizer"):
        runner.call_hook("before_train")


@pytest.mark.parametrize("options", [dict(alpha=0.0), dict(end=0)])
def test_values_out_of_range(options):
    with pytest.raises(ValueError, match=r"alpha|end must"):
        GradientModulationHook(**options)
