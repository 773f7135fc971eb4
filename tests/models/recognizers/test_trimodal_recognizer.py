from __future__ import annotations

import copy

import pytest
import torch
from helpers_culprits import for_each
from mmaction.registry import MODELS
from mmengine.config import ConfigDict
from mmengine.optim import OptimWrapper
from mmengine.runner import load_checkpoint, save_checkpoint

from mmstconv.engine import CPUAmpOptimWrapper

ALL = ("rgb", "flow", "audio")
SUBSETS = [
    ("rgb",), ("flow",), ("audio",), ("rgb", "flow"), ("rgb", "audio"),
    ("flow", "audio"), ALL,
]  # fmt: skip


@for_each("names", SUBSETS)
@for_each("samples, clips", [(1, 1), (3, 1), (2, 2)])
def test_loss_and_prediction_of_every_subset(
    make_model, make_inputs, make_samples, names, samples, clips
):
    model = make_model(names, aux_loss_weight=0.2)
    inputs = make_inputs(samples, clips)  # also those without a stream
    loss, _ = model.parse_losses(model(inputs, make_samples(samples), mode="loss"))
    loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
    model.eval()
    for sample in model(inputs, make_samples(samples), mode="predict"):
        assert sample.pred_score.shape == (4,)
        assert sample.pred_score.sum().item() == pytest.approx(1, abs=1e-5)
        assert set(sample.stream_scores) == set(names)


def test_features_of_every_stage(make_model, make_inputs):
    model = make_model(fusion=dict(type="ConcatFusion")).eval()
    inputs = make_inputs(2, 3)
    backbone = model.extract_feat(inputs, stage="backbone")
    assert backbone["rgb"].shape == (6, 5, 2, 4, 4)
    assert backbone["audio"].shape == (6, 5, 5)
    neck = model.extract_feat(inputs)
    assert {name: feat.shape for name, feat in neck.items()} == {
        "rgb": (6, 2, 8),
        "flow": (6, 2, 6),
        "audio": (6, 5, 4),
    }
    assert model.extract_feat(inputs, stage="fusion").shape == (6, 18)
    head = model.extract_feat(inputs, stage="head")
    assert head.shape == (6, 4)
    assert torch.equal(model(inputs), head)
    assert torch.equal(model(inputs, stage="neck")["rgb"], neck["rgb"])


def test_backbone_features_of_present_clips(make_model, make_inputs, make_samples):
    model = make_model().eval()
    data_samples = make_samples(2, [{"audio": False, "rgb": False}, {"audio": False}])
    feats = model.extract_feat(make_inputs(2, 2), data_samples, stage="backbone")
    assert {name: len(feat) for name, feat in feats.items()} == {"rgb": 2, "flow": 4}


def test_clips_are_averaged(make_model, make_inputs, make_samples):
    model, inputs = make_model().eval(), make_inputs(2, 3)
    predicted = model(inputs, make_samples(2), mode="predict")
    mean = model(inputs).softmax(1).reshape(2, 3, 4).mean(1)
    for row, sample in enumerate(predicted):
        assert torch.allclose(sample.pred_score, mean[row])


@for_each("training", [True, False])
@for_each("absent", ALL)
@for_each("content", [1e6, float("nan"), "noise"])
def test_absent_content_changes_nothing(
    make_model, make_inputs, make_samples, training, absent, content
):
    model, inputs = make_model(aux_loss_weight=0.5), make_inputs(3, 2)
    other = copy.deepcopy(model)
    model.train(training), other.train(training)
    data_samples = make_samples(3, [{}, {absent: False}, {}])
    changed = {name: value.clone() for name, value in inputs.items()}
    changed[absent][1] = torch.randn(1) * 9 if content == "noise" else content
    scores = model(inputs, data_samples)
    assert torch.isfinite(scores).all()
    assert torch.equal(other(changed, data_samples), scores)
    for (name, mine), theirs in zip(model.named_buffers(), other.buffers()):
        assert torch.equal(mine, theirs), name
    first = model(inputs, copy.deepcopy(data_samples), mode="loss")
    second = other(changed, copy.deepcopy(data_samples), mode="loss")
    for name, value in first.items():
        assert torch.equal(second[name], value), name


@pytest.mark.parametrize("absent", ALL)
def test_presence_of_one_sample_leaves_the_others_alone(
    make_model, make_inputs, make_samples, absent
):
    model, inputs = make_model().eval(), make_inputs(3)
    whole = model(inputs, make_samples(3))
    partly = model(inputs, make_samples(3, [{}, {absent: False}, {}]))
    assert torch.allclose(partly[[0, 2]], whole[[0, 2]], atol=1e-6)
    assert not torch.allclose(partly[1], whole[1], atol=1e-3)


@pytest.mark.parametrize("absent", [("audio",), ("rgb", "flow"), ALL])
def test_modality_that_no_sample_has(make_model, make_inputs, make_samples, absent):
    model, inputs = make_model(aux_loss_weight=0.5), make_inputs(2)
    before = {name: value.clone() for name, value in model.named_buffers()}
    data_samples = make_samples(2, [{name: False for name in absent}] * 2)
    for name in absent:
        inputs[name][:] = float("nan")
    loss, _ = model.parse_losses(model(inputs, data_samples, mode="loss"))
    loss.backward()
    assert torch.isfinite(loss)
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        if name.startswith(tuple(f"streams.{one}." for one in absent)):
            assert not parameter.grad.any(), name
    for name, value in model.named_buffers():
        if name.startswith(tuple(f"streams.{one}." for one in absent)):
            assert torch.equal(value, before[name]), name
    predicted = model.eval()(inputs, data_samples, mode="predict")
    assert set(predicted[0].stream_scores) == set(ALL) - set(absent)


def test_inputs_are_not_changed(make_model, make_inputs, make_samples):
    model, inputs = make_model(), make_inputs(2, 2)
    before = {name: value.clone() for name, value in inputs.items()}
    cfg_samples = make_samples(2)
    model(inputs, cfg_samples, mode="loss")
    assert list(inputs) == list(before)
    for name, value in before.items():
        assert torch.equal(inputs[name], value)


@pytest.mark.parametrize("kind", [dict, ConfigDict])
def test_config_is_not_changed(make_cfg, kind):
    cfg = kind(make_cfg(temporal=dict(type="LastState"), aux_loss_weight=0.1))
    before = copy.deepcopy(cfg)
    MODELS.build(cfg)
    assert cfg == before


def raw_batch(samples, clips, make_samples):
    return dict(
        inputs={
            "rgb": [
                torch.randint(0, 256, (clips, 3, 4, 8, 8), dtype=torch.uint8)
                for _ in range(samples)
            ],
            "flow": [torch.randn(clips, 2, 4, 8, 8) for _ in range(samples)],
            "audio": [torch.randn(clips, 6, 10) for _ in range(samples)],
        },
        data_samples=make_samples(
            samples, [{}, {"audio": False}, {}, {"rgb": False, "flow": False}][:samples]
        ),
    )


PREPROCESSOR = dict(
    type="MultiModalDataPreprocessor",
    preprocessors=dict(
        rgb=dict(
            type="ActionDataPreprocessor",
            mean=[123.675, 116.28, 103.53],
            std=[58.395, 57.12, 57.375],
            format_shape="NCTHW",
        ),
        flow=dict(
            type="ActionDataPreprocessor",
            mean=[0.0, 0.0],
            std=[5.0, 5.0],
            format_shape="NCTHW",
        ),
        audio=dict(type="ActionDataPreprocessor"),
    ),
)


@pytest.mark.parametrize("wrapper", [OptimWrapper, CPUAmpOptimWrapper])
@pytest.mark.parametrize("data_preprocessor", [PREPROCESSOR, None])
@pytest.mark.parametrize("samples", [1, 4])
def test_train_and_val_step(
    make_cfg, make_samples, wrapper, data_preprocessor, samples
):
    model = MODELS.build(
        dict(
            make_cfg(aux_loss_weight=0.3, average_clips="prob"),
            data_preprocessor=data_preprocessor,
        )
    )
    optim_wrapper = wrapper(optimizer=torch.optim.Adam(model.parameters(), lr=1e-2))
    batch = raw_batch(samples, 1, make_samples)
    first = model.train_step(copy.deepcopy(batch), optim_wrapper)
    for _ in range(20):
        last = model.train_step(copy.deepcopy(batch), optim_wrapper)
    assert last["loss"] < first["loss"]
    model.eval()
    with torch.no_grad():
        predicted = model.val_step(raw_batch(samples, 2, make_samples))
    assert len(predicted) == samples
    for sample in predicted:
        assert sample.pred_score.shape == (4,)
        assert sample.pred_score.dtype == torch.float32


def test_init_weights_reaches_every_part(make_model):
    model = make_model(temporal=dict(type="AttentionOverTime"), aux_loss_weight=1.0)
    parts = torch.nn.ModuleList([model.joint, model.cls_head])
    for parameter in parts.parameters():
        torch.nn.init.constant_(parameter, 7.0)
    model.init_weights()
    assert not (model.cls_head.fc_cls.weight == 7).any()
    assert not (model.cls_head.aux_cls["rgb"].weight == 7).any()
    bias = model.streams["rgb"].neck.lstm.bias_ih_l0
    assert torch.equal(bias[8:16], torch.ones(8))


def test_one_stream_of_a_checkpoint(make_cfg, make_model, tmp_path):
    """How to fine-tune on other classes."""
    trained = make_model()
    path = str(tmp_path / "trained.pth")
    save_checkpoint(dict(state_dict=trained.state_dict(), meta={}), path)
    cfg = make_cfg(num_classes=9)
    cfg["streams"]["rgb"]["init_cfg"] = dict(
        type="Pretrained", checkpoint=path, prefix="streams.rgb"
    )
    model = MODELS.build(cfg)
    model.init_weights()
    for name, value in trained.streams["rgb"].state_dict().items():
        assert torch.equal(model.streams["rgb"].state_dict()[name], value), name
    with pytest.raises(ValueError, match=r"4 classes.*cls_head\.num_classes is 9"):
        model.load_state_dict(trained.state_dict())
    with pytest.raises(ValueError, match=r"4 classes.*cls_head\.num_classes is 9"):
        load_checkpoint(model, path)  # MMEngine's own only warns of shapes


def test_compiles(make_model, make_inputs):
    model, inputs = make_model(("rgb", "audio")).eval(), make_inputs(2)
    expected = model(inputs)
    torch._dynamo.reset()
    compiled = torch.compile(model, backend="eager")
    assert torch.allclose(compiled(inputs), expected, atol=1e-6)


def test_no_modality(make_cfg):
    with pytest.raises(ValueError, match="streams: expected at least one modality"):
        MODELS.build(dict(make_cfg(), streams={}))


def test_parts_of_other_streams(make_cfg):
    weights = dict(rgb=1.0, flow=0.0, audio=1.0)
    other = (
        r"one for each of \['audio', 'rgb'\], got those of \['audio', 'flow', 'rgb'\]"
    )
    for own, message in (
        (dict(aux_loss_weight=weights), f"aux_loss_weight: .*{other}"),
        (
            dict(temporal={name: dict(type="LastState") for name in weights}),
            rf"joint\.temporal: .*{other}",
        ),
    ):
        cfg = make_cfg(**own)
        del cfg["streams"]["flow"]
        with pytest.raises(ValueError, match=message):
            MODELS.build(cfg)
    cfg = make_cfg()
    cfg["joint"]["in_channels"] = dict(depth=8)
    with pytest.raises(
        ValueError, match=r"joint\.in_channels has \['depth'\], but str"
    ):
        MODELS.build(cfg)


def test_head_of_other_channels(make_cfg, make_inputs):
    cfg = make_cfg()
    cfg["joint"]["in_channels"] = dict(rgb=99)
    model = MODELS.build(cfg)
    with pytest.raises(ValueError, match=r"'rgb' gives 8 .*\['rgb'\] is 99"):
        model(make_inputs(1))


@for_each(
    "change, message",
    [
        (lambda x: x.pop("audio"), r"'audio' has no input.*\['flow', 'rgb'\]"),
        (lambda x: x.update(rgb=x["rgb"][:, :1]), r"\(N, M\), got shapes.*rgb"),
        (lambda x: x.update(flow=x["flow"][:1]), r"\(N, M\), got shapes.*flow"),
        (lambda x: x.update(audio=x["audio"][0]), r"inputs\['audio'\]: expected"),
        (lambda x: x.update(rgb=x["flow"]), r"expected \(N, 3, T, H, W\), got.*4, 2"),
    ],
)
def test_wrong_inputs(make_model, make_inputs, change, message):
    inputs = make_inputs(2, 2)
    change(inputs)
    with pytest.raises(ValueError, match=message):
        make_model()(inputs)


def test_inputs_of_a_stock_pipeline(make_model):
    with pytest.raises(TypeError, match="dict of modalities, got Tensor"):
        make_model()(torch.rand(1, 1, 3, 4, 8, 8))


def test_wrong_calls(make_model, make_inputs, make_samples):
    model, inputs = make_model(), make_inputs(2)
    with pytest.raises(ValueError, match=r"mode is 'train'.*'loss'"):
        model(inputs, make_samples(2), mode="train")
    with pytest.raises(ValueError, match="needs data_samples"):
        model(inputs, mode="loss")
    with pytest.raises(ValueError, match=r"stage is 'logits'.*'head'"):
        model(inputs, stage="logits")
    with pytest.raises(ValueError, match="2 samples, but there are 3"):
        model(inputs, make_samples(3), mode="loss")
