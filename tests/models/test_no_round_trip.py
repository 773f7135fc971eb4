"""A training step never waits for the device: whole models on a device without values.

Tensors on ``meta`` have shapes and no content. Whatever needs a value from them fails:
``.item()``, ``bool()``, a boolean index, a copy back. What a GPU would wait for in the
other direction, a blocking copy, the watcher below refuses.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext

import numpy as np
import pytest
import torch
from conftest import ROOT
from helpers_culprits import for_each
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

STLITE = "stconvnet/stlite_lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio"
CONFIGS = dict(
    default=f"{STLITE}.py",
    device_flow=f"{STLITE}_device-flow.py",
    dropout="fusion/stconvnet_lstm_demo-rgb-flow-audio_dropout.py",
    modulated="fusion/stconvnet_lstm_demo-rgb-flow-audio_ogm.py",
)
PRESENCE = [{}, dict(audio=False), dict(rgb=False, flow=False), dict(audio=False)]
BLENDINGS = dict(default=dict(mixup_alpha=1.0), dropout=dict(cutmix_alpha=1.0))
aten = torch.ops.aten


class Waited(AssertionError):
    """The host would have waited for the device."""


class Watch(TorchDispatchMode):
    """Refuses copies between host and device for which the host waits."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is aten._to_copy.default:
            target = kwargs.get("device")
            moves = target is not None and torch.device(target) != args[0].device
            if moves and not kwargs.get("non_blocking"):
                raise Waited(f"{args[0].device} to {target}, blocking")
        if func is aten.copy_.default and args[0].device != args[1].device:
            blocking = not (args[2] if len(args) > 2 else kwargs.get("non_blocking"))
            if blocking:
                raise Waited("copy_, blocking")
        if func in (aten._local_scalar_dense.default, aten.nonzero.default):
            if args[0].is_meta:
                raise Waited(str(func))
        return func(*args, **kwargs)


class WatchFactories(TorchFunctionMode):
    """Refuses ``torch.tensor(values, device=...)``, whose copy is no operation."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        given = isinstance(args[0], torch.Tensor) if args else False
        if name in ("tensor", "as_tensor", "asarray") and not given and result.is_meta:
            raise Waited(f"torch.{name} on the device")
        if name == "new_tensor" and result.is_meta:
            raise Waited(name)
        return result


@contextmanager
def watched():
    with WatchFactories(), Watch():
        yield


@pytest.fixture(autouse=True)
def _no_autocast_on_meta(monkeypatch):
    """There is none, not even to be switched off."""
    autocast = torch.autocast
    monkeypatch.setattr(
        torch,
        "autocast",
        lambda kind, *args, **kwargs: (
            nullcontext() if kind == "meta" else autocast(kind, *args, **kwargs)
        ),
    )


def batch_of(device_flow=False, steps=16, size=112):
    """What a data loader gives: on the host, four samples of two clips."""
    inputs = dict(
        rgb=torch.zeros(2, 3, steps + device_flow, size, size, dtype=torch.uint8),
        flow=torch.zeros(2, 2, steps, size, size),
        audio=torch.zeros(2, 64, 134),
    )
    if device_flow:
        del inputs["flow"]
    times = np.arange(steps + 1.0)[None]
    samples = [
        ActionDataSample(
            metainfo=dict(filename="a", presence=here, frame_times=times)
        ).set_gt_label(row)
        for row, here in enumerate(PRESENCE)
    ]
    return dict(
        inputs={name: [one] * len(samples) for name, one in inputs.items()},
        data_samples=samples,
    )


def build(name, device="meta"):
    init_default_scope("mmaction")
    cfg = Config.fromfile(ROOT / "configs/recognition" / CONFIGS[name])
    if name in BLENDINGS:
        blending = dict(type="MultiModalBlending", **BLENDINGS[name])
        cfg.model.data_preprocessor.blending = blending
    model = MODELS.build(cfg.model).to(device)
    if name == "modulated":
        model.cls_head.track_confidence = True
    optimizer = torch.optim.Adam(model.parameters(), foreach=False)
    small = dict(steps=8, size=56) if name in ("dropout", "modulated") else {}
    return model, OptimWrapper(optimizer), batch_of(name == "device_flow", **small)


@pytest.mark.parametrize("name", CONFIGS)
def test_training_step_asks_the_device_for_nothing(name):
    model, optim_wrapper, batch = build(name)
    with watched():
        losses = model.train_step(batch, optim_wrapper)
    assert losses["loss"].is_meta
    moments = optim_wrapper.optimizer.state
    assert all(moments[p]["exp_avg"].is_meta for p in model.parameters())


def test_captions_ask_the_device_for_nothing():
    stream = dict(backbone=dict(type="STConvNet", stages=[dict(channels=4)]))
    words = ["disc", "moves", "up"]
    head = dict(type="LSTMCaptionHead", words=words, vocabulary_size=8, channels=8)
    model = MODELS.build(
        dict(type="TriModalRecognizer", streams=dict(rgb=stream), cls_head=head)
    )
    clip = torch.zeros(1, 3, 4, 16, 16, dtype=torch.uint8)
    samples = [ActionDataSample(gt_captions=["disc moves", "up"]) for _ in range(2)]
    batch = dict(inputs=dict(rgb=[clip] * 2), data_samples=samples)
    optimizer = torch.optim.Adam(model.to("meta").parameters(), foreach=False)
    with watched():
        losses = model.train_step(batch, OptimWrapper(optimizer))
    assert losses["loss_caption"].is_meta


@pytest.mark.parametrize("name", ["default", "device_flow"])
def test_prediction_asks_the_device_for_nothing(name):
    model, _, batch = build(name)
    with watched(), torch.no_grad():
        samples = model.eval().val_step(batch)
    assert all(sample.pred_score.is_meta for sample in samples)
    assert set(samples[2].stream_scores) == {"audio"}


def test_the_original_preprocessor_waits():
    model, optim_wrapper, batch = build("default")
    parts = {
        name: dict(type="ActionDataPreprocessor", format_shape="NCTHW")
        for name in batch["inputs"]
    }
    original = dict(type="MultiModalDataPreprocessor", preprocessors=parts)
    model.data_preprocessor = MODELS.build(original).to("meta")
    with pytest.raises(Waited, match="cpu to meta"), watched():
        model.train_step(batch, optim_wrapper)


def boolean_index(x):
    return x[x > 0]


@for_each(
    "act",
    [
        boolean_index,
        lambda x: x.sum().item(),
        lambda x: bool(x.any()),
        lambda x: x.tolist(),
        lambda x: x.cpu(),
        lambda x: torch.zeros(3).to(x.device),
        lambda x: torch.tensor([1.0, 2.0], device=x.device),
        lambda x: x.new_tensor([1.0, 2.0]),
        lambda x: x.copy_(torch.zeros(3)),
    ],
)
def test_what_waits_is_noticed(act):
    x = torch.zeros(3, device="meta")
    with pytest.raises((Waited, RuntimeError, NotImplementedError)), watched():
        act(x)


def test_what_does_not_wait_passes():
    with watched():
        x = torch.zeros(3).to("meta", non_blocking=True)
        (x.masked_fill(x > 0, 1.0) + torch.ones(3).sum().item()).sum()


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["default", "device_flow"])
def test_training_step_on_a_gpu_does_not_wait(name):
    """CUDA's own watcher also sees what kernels do inside."""
    model, optim_wrapper, batch = build(name, "cuda")
    model.train_step(batch, optim_wrapper)  # whatever is set up once
    torch.cuda.set_sync_debug_mode("error")
    try:
        model.train_step(batch, optim_wrapper)
    finally:
        torch.cuda.set_sync_debug_mode("default")
