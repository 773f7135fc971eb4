"""Containers, prefixes, averaged weights, options and broken numbers of files."""

from __future__ import annotations

import pytest
import torch
from checkpoints.sources.random_weights import random_clip, randomise, relative_error
from checkpoints.sources.resnet_hara import HaraResNet
from checkpoints.test_video_layouts import SAME, SEEN, build
from mmaction.registry import MODELS
from torch import nn
from torch.optim.swa_utils import AveragedModel

from mmstconv.checkpoints.doctor import convert_checkpoint
from mmstconv.checkpoints.reading import CheckpointError

SLOWONLY = dict(
    type="ResNet3dSlowOnly", depth=18, lateral=False, base_channels=4, in_channels=3
)


@pytest.fixture(scope="module")
def weights():
    torch.manual_seed(0)
    found = MODELS.build(SLOWONLY).state_dict()
    return {f"backbone.{key}": value for key, value in found.items()}


def prefixed(weights, *prefixes):
    prefix = "".join(prefixes)
    return {prefix + key: value for key, value in weights.items()}


def shifted(weights):
    """Others of the same kind: kernels one higher."""
    return {k: v + 1 if v.dim() > 1 else v for k, v in weights.items()}


def converted(content, path, **kwargs):
    torch.save(content, path)
    return convert_checkpoint(path, **kwargs)


def holds(conversion, weights) -> bool:
    return conversion.weights.keys() == weights.keys() and all(
        torch.equal(value, weights[key]) for key, value in conversion.weights.items()
    )


def refused(content, path, *parts, **kwargs):
    torch.save(content, path)
    with pytest.raises(CheckpointError) as caught:
        convert_checkpoint(path, **kwargs)
    message = str(caught.value)
    assert "\n" not in message and str(path) in message
    for part in parts:
        assert part in message, message


def test_containers(weights, tmp_path):
    optimizer = dict(state={0: dict(momentum=torch.ones(3))}, param_groups=[])
    more = dict(epoch=3, optimizer=optimizer, loss=torch.tensor(0.5), lr=[0.1])
    for name in (
        *("state_dict", "model_state_dict", "model_state", "model", "net", "network"),
        *("weights", "params", "module", "whatever", "generator_x"),
    ):
        found = converted({name: weights, **more}, tmp_path / "x.pth")
        assert holds(found, weights), name
    nested = dict(model=dict(state_dict=weights), model_2=3)
    assert holds(converted(nested, tmp_path / "x.pth"), weights)
    refused(
        dict(generator=weights, discriminator=weights),
        tmp_path / "x.pth",
        "several sets of weights",
        f"'generator' ({len(weights)} tensors)",
        "'discriminator'",
    )


def test_prefixes(weights, tmp_path):
    """However deep, and of whatever name; what is beside them is listed."""
    for prefix in (
        *("module.", "module.module.", "_orig_mod.", "module._orig_mod.module."),
        *("model.", "model._orig_mod.", "net.model.", "encoder.", "a.b.c.d."),
        *("model.module.", "_forward_module.model.", "backbone."),
    ):
        content = prefixed(weights, prefix)
        content["temperature"] = torch.ones(1)
        found = converted(dict(state_dict=content), tmp_path / "x.pth")
        assert holds(found, weights), prefix
        assert found.unmatched == ["temperature"]
    inner = {k.replace("backbone.", "backbone._orig_mod."): weights[k] for k in weights}
    assert holds(converted(inner, tmp_path / "x.pth"), weights)
    two = {**prefixed(weights, "rgb."), **prefixed(weights, "flow.")}
    refused(two, tmp_path / "x.pth", "several networks", "'rgb.'", "'flow.'")


def test_lightning_says_below_what_it_was_read(weights, tmp_path):
    content = {**prefixed(weights, "model."), "criterion.weight": torch.ones(4, 2)}
    found = converted(
        {"state_dict": content, "pytorch-lightning_version": "2.0", "loops": {}},
        tmp_path / "x.ckpt",
    )
    assert holds(found, weights) and "criterion.weight" in found.unmatched
    assert "read below the prefix 'model.'" in found.table()


EMA = dict(
    timm=lambda raw, ema: dict(state_dict=raw, state_dict_ema=ema, epoch=1),
    pycls=lambda raw, ema: dict(model_state=raw, ema_state=ema),
    torchvision=lambda raw, ema: dict(
        model=raw,
        model_ema={"n_averaged": torch.tensor(7), **prefixed(ema, "module.")},
    ),
    yolo=lambda raw, ema: dict(model=raw, ema=ema, updates=7),
    nested=lambda raw, ema: dict(ema=dict(state_dict=ema), net=raw),
    teacher=lambda raw, ema: dict(student=raw, teacher=ema),
    # MMEngine's EMAHook swaps the two when it saves
    mmengine=lambda raw, ema: dict(
        state_dict=ema, ema_state_dict=prefixed(raw, "module."), message_hub={}
    ),
    lightning=lambda raw, ema: dict(
        state_dict={**prefixed(raw, "model."), **prefixed(ema, "ema_model.")}
    ),
)


@pytest.mark.parametrize("project", EMA)
def test_raw_or_averaged_weights_is_a_choice_that_is_said(weights, tmp_path, project):
    ema = shifted(weights)
    content = EMA[project](weights, ema)
    path = tmp_path / "x.pth"
    raw = converted(content, path)
    assert holds(raw, weights) and "--ema" in raw.table()
    averaged = converted(content, path, ema=True)
    assert holds(averaged, ema) and "without --ema" in averaged.table()


def test_averaged_weights_alone(weights, tmp_path):
    found = converted(dict(model_ema=weights), tmp_path / "x.pth")
    assert holds(found, weights)
    assert "only averaged weights (EMA)" in found.table()
    refused(dict(model=weights), tmp_path / "x.pth", "no averaged weights", ema=True)
    layer = AveragedModel(nn.Linear(2, 2))
    refused(layer.state_dict(), tmp_path / "x.pth", "unknown", "weight")


def test_weights_that_cannot_be(weights, tmp_path):
    conv, var = "backbone.conv1.conv.weight", "backbone.conv1.bn.running_var"

    def broken(key, change):
        value = weights[key].clone()
        change(value.view(-1))
        return {**weights, key: value}

    for key, change, said in (
        (conv, lambda x: x[3].fill_(torch.nan), "1 of 588 numbers NaN or Inf"),
        (var, lambda x: x[0].fill_(torch.inf), "1 of 4 numbers NaN or Inf"),
        (var, lambda x: x[1].fill_(-0.5), "a variance of -0.5"),
    ):
        refused(broken(key, change), tmp_path / "x.pth", f"{key} has {said}")
    zeros = {key: torch.zeros_like(value) for key, value in weights.items()}
    refused(zeros, tmp_path / "x.pth", "kernels are zero")
    for wrong in (
        weights[conv].to(torch.complex64),
        weights[conv].to_sparse(),
        weights[conv].to("meta"),
        torch.quantize_per_tensor(weights[conv], 0.1, 0, torch.qint8),
    ):
        refused({**weights, conv: wrong}, tmp_path / "x.pth", conv)
    one = converted(broken(conv, lambda x: x.zero_()), tmp_path / "x.pth")
    assert f"Kernels that are zero, as if never trained: {conv}" in one.table()


def outputs(source, path, **kwargs):
    """The source's output and ours, for the same clip."""
    torch.save(dict(state_dict=source.state_dict()), path)
    conversion = convert_checkpoint(path, **kwargs)
    clip = random_clip(1, 3, 8, 32, 32).double()
    with torch.no_grad():
        wanted = source.double().features(clip)
        got = build(conversion).double()(clip)
    source.float()
    return conversion, wanted, got


@pytest.mark.parametrize(
    ("shortcut", "options"),
    [
        pytest.param("A", dict(conv1_t_stride=2), marks=pytest.mark.slow),
        pytest.param("B", dict(no_max_pool=True), marks=pytest.mark.slow),
        ("B", dict(conv1_t_stride=2, no_max_pool=True)),
    ],
    ids=str,
)
def test_options_of_3d_resnets(tmp_path, options, shortcut):
    """They change the network and not its weights: they are asked for, and said."""
    source = HaraResNet(18, num_classes=5, shortcut=shortcut, **options)
    source = randomise(source, clip=(2, 3, 8, 32, 32))
    path = tmp_path / "x.pth"
    conversion, wanted, got = outputs(source, path, options=options)
    assert relative_error(got, wanted) < SAME
    said = " ".join(f"{k}={v}" for k, v in options.items())
    assert said in " ".join(conversion.table().split())
    conversion, wanted, got = outputs(source, path)
    assert got.shape != wanted.shape or relative_error(got, wanted) > SEEN
    assert "conv1_t_stride=1 no_max_pool=False; if it was" in conversion.table()


def test_options_that_are_none(weights, tmp_path):
    torch.save(weights, tmp_path / "x.pth")
    for options, said in (
        (dict(no_max_pool=True), "slowonly has no option 'no_max_pool'.*: none"),
    ):
        with pytest.raises(ValueError, match=said):
            convert_checkpoint(tmp_path / "x.pth", options=options)
    torch.save(HaraResNet(18, num_classes=5).state_dict(), tmp_path / "h.pth")
    for options, said in (
        (dict(stride=2), r"no option 'stride'; its options: conv1_t_stride, no_max_p"),
        (dict(conv1_t_stride="x"), "option conv1_t_stride is 'x', must be like 1"),
        (dict(conv1_t_stride=0), "conv1_t_stride is 0, must be at least 1"),
        (dict(no_max_pool=1), "option no_max_pool is 1, must be like False"),
    ):
        with pytest.raises(ValueError, match=said):
            convert_checkpoint(tmp_path / "h.pth", options=options)


def test_eps(weights, tmp_path):
    conversion = converted(weights, tmp_path / "x.pth", eps=0.25)
    network = MODELS.build(conversion.backbone)
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm3d)]
    assert {norm.eps for norm in norms} == {0.25}
    for eps in (0, -1e-3, 2, float("nan")):
        with pytest.raises(ValueError, match="eps must lie between 0 and 1"):
            convert_checkpoint(tmp_path / "x.pth", eps=eps)


def test_eps_where_there_are_no_norms(tmp_path):
    from checkpoints.sources.c3d import NumberedC3D

    with torch.device("meta"):
        shapes = NumberedC3D().state_dict()
    state = {key: torch.ones(1).expand(v.shape) for key, v in shapes.items()}
    torch.save(state, tmp_path / "x.pth")
    with pytest.raises(ValueError, match="STConvNet has no batch norms"):
        convert_checkpoint(tmp_path / "x.pth", eps=1e-5)
