from __future__ import annotations

import pytest
import torch
from helpers_culprits import for_each
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.registry import DefaultScope

from mmstconv.models import LSTMTemporalNeck, PoolNeck


@for_each("batch", [1, 3])
@for_each("axes", [(6,), (6, 2, 3), (1, 1, 1)])
@for_each("layers", [1, 2])
@for_each("bidirectional", [False, True])
def test_lstm_shapes_and_gradient(batch, axes, layers, bidirectional):
    neck = LSTMTemporalNeck(
        4, 5, num_layers=layers, bidirectional=bidirectional, dropout=0.1
    )
    feat, loss_aux = neck(torch.randn(batch, 4, *axes), data_samples=None)
    assert feat.shape == (batch, neck.out_channels, axes[0], 1, 1)
    assert loss_aux == {}
    feat.square().sum().backward()
    for name, parameter in neck.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name


@pytest.mark.parametrize(
    "neck",
    [
        LSTMTemporalNeck(4, 5),
        LSTMTemporalNeck(4, 5, num_layers=2, bidirectional=True),
        PoolNeck(4),
    ],
    ids=["forward", "two layers both ways", "no lstm"],
)
def test_padding_does_not_count(neck):
    x, lengths = torch.randn(3, 4, 6, 2, 2), torch.tensor([2, 6, 1])
    alone = [neck(x[row : row + 1, :, :n])[0] for row, n in enumerate(lengths)]
    for row, n in enumerate(lengths):
        x[row, :, n:] = float("nan")
    together, _ = neck(x, lengths=lengths)
    assert together.shape[2] == 6
    for row, n in enumerate(lengths):
        assert torch.allclose(together[row : row + 1, :, :n], alone[row], atol=1e-6)
        assert torch.equal(together[row, :, n:], torch.zeros_like(together[row, :, n:]))


def test_longest_sequence_shorter_than_the_padding():
    feat, _ = LSTMTemporalNeck(4, 5)(torch.rand(2, 4, 6), lengths=torch.tensor([2, 3]))
    assert feat.shape == (2, 5, 6, 1, 1)


def test_dropout_acts_after_a_single_layer_in_training_only():
    neck = LSTMTemporalNeck(4, 50, dropout=0.5)
    x = torch.rand(1, 4, 3)
    assert (neck(x)[0] == 0).any()
    assert not (neck.eval()(x)[0] == 0).any()


def test_forget_gate_starts_open():
    neck = LSTMTemporalNeck(4, 5, bidirectional=True)
    neck.init_weights()
    for suffix in ("l0", "l0_reverse"):
        total = getattr(neck.lstm, f"bias_ih_{suffix}") + getattr(
            neck.lstm, f"bias_hh_{suffix}"
        )
        assert torch.equal(total[5:10], torch.ones(5))
        assert not torch.equal(total[:5], torch.ones(5))


@for_each("dtype", [torch.bfloat16, torch.float16])
@for_each("lengths", [None, torch.tensor([2, 3])])
def test_autocast(dtype, lengths):
    neck = LSTMTemporalNeck(4, 5)
    with torch.autocast("cpu", dtype):
        feat, _ = neck(torch.rand(2, 4, 3).to(dtype), lengths=lengths)
    assert feat.dtype == torch.float32
    feat.sum().backward()


@pytest.mark.parametrize("neck", [LSTMTemporalNeck(4, 5), PoolNeck(4)])
def test_wrong_channels(neck):
    with pytest.raises(ValueError, match="expected 4 channels, got 3"):
        neck(torch.rand(1, 3, 6))


@pytest.mark.parametrize("lengths", [[0, 3], [1, 7], [3]])
def test_wrong_lengths(lengths):
    with pytest.raises(ValueError, match="lengths: expected"):
        LSTMTemporalNeck(4, 5)(torch.rand(2, 4, 6), lengths=torch.tensor(lengths))


def test_pool_neck_keeps_time():
    x = torch.randn(2, 4, 6, 3, 3)
    feat, loss_aux = PoolNeck(4)(x)
    assert torch.allclose(feat, x.mean((3, 4), keepdim=True), atol=1e-6)
    assert loss_aux == {}


@pytest.mark.parametrize(
    ("neck", "channels"),
    [
        (dict(type="LSTMTemporalNeck", in_channels=6, hidden_channels=5), 5),
        (dict(type="PoolNeck", in_channels=6), 6),
    ],
)
def test_in_a_stock_recognizer(neck, channels):
    pool = dict(mode="max", size=2)
    cfg = dict(
        type="Recognizer3D",
        backbone=dict(
            type="STConvNet",
            stages=[dict(channels=6, temporal_pool=pool, spatial_pool=pool)],
        ),
        neck=neck,
        cls_head=dict(
            type="I3DHead",
            num_classes=3,
            in_channels=channels,
            average_clips="prob",
        ),
        data_preprocessor=dict(type="ActionDataPreprocessor", format_shape="NCTHW"),
    )
    with DefaultScope.overwrite_default_scope("mmaction"):
        model = MODELS.build(cfg)
    data = dict(
        inputs=[torch.randint(0, 255, (2, 3, 4, 8, 8), dtype=torch.uint8)],
        data_samples=[ActionDataSample().set_gt_label(2)],
    )
    prepared = model.data_preprocessor(
        dict(inputs=[data["inputs"][0][:1]] * 2, data_samples=data["data_samples"] * 2),
        True,
    )
    loss, _ = model.parse_losses(model(**prepared, mode="loss"))
    loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
    (predicted,) = model.eval().val_step(data)
    assert predicted.pred_score.shape == (3,)
    assert predicted.pred_score.sum().item() == pytest.approx(1, abs=1e-5)
