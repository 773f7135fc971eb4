"""``AdaptedPretrained`` from configs: what it fills, what it refuses."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from torch import nn

from mmstconv.checkpoints.doctor import convert_checkpoint

RESNET = dict(
    type="ResNet3d", depth=18, base_channels=4, conv1_kernel=(5, 7, 7), inflate=1
)
STAGES = [
    dict(channels=4, kernel_size=(3, 5, 5), spatial_pool=dict(mode="max", size=2)),
    dict(block="ResidualBlock", channels=6, num_blocks=2, stride=2),
]


@pytest.fixture(autouse=True)
def _scope():
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmaction"):
        yield


def trained(cfg) -> dict[str, torch.Tensor]:
    """Weights that no initialisation gives."""
    weights = {}
    for key, value in MODELS.build(cfg).state_dict().items():
        whole = value.dtype == torch.long
        weights[key] = value + 7 if whole else torch.rand_like(value) + 0.5
    return weights


def saved(weights, path, prefix="backbone.", **meta) -> str:
    weights = {prefix + key: value for key, value in weights.items()}
    weights["cls_head.fc_cls.weight"] = torch.ones(400, 6)
    torch.save(dict(state_dict=weights, meta=meta), path)
    return str(path)


def stream(backbone, checkpoint, neck=None, **kwargs) -> nn.Module:
    init_cfg = dict(type="AdaptedPretrained", checkpoint=checkpoint, **kwargs)
    cfg = dict(type="ConvStream", backbone=backbone, neck=neck, init_cfg=init_cfg)
    return MODELS.build(cfg)


def ours(in_channels=3, **kwargs):
    return dict(type="STConvNet", stages=STAGES, in_channels=in_channels, **kwargs)


def equal(module, weights) -> bool:
    found = module.state_dict()
    assert found.keys() == weights.keys()
    return all(torch.equal(found[key], value) for key, value in weights.items())


@pytest.mark.parametrize(
    "cfg",
    [
        ours(),
        RESNET,
        dict(RESNET, type="ResNet3dSlowOnly", lateral=False),
        dict(type="X3D", gamma_w=0.4),
    ],
    ids=["STConvNet", "ResNet3d", "SlowOnly", "X3D"],
)
def test_a_stream_has_the_weights_of_the_file_after_init_weights(cfg, tmp_path):
    weights = trained(cfg)
    neck = dict(type="LSTMTemporalNeck", in_channels=6, hidden_channels=5)
    model = stream(cfg, saved(weights, tmp_path / "x.pth"), neck)
    before = {key: value.clone() for key, value in model.neck.state_dict().items()}
    model.init_weights()
    assert equal(model.backbone, weights)
    assert model.neck.state_dict().keys() == before.keys()
    # without the initializer the same call draws them
    plain = MODELS.build(dict(type="ConvStream", backbone=cfg))
    plain.init_weights()
    assert not equal(plain.backbone, weights)


def test_a_backbone_of_ours_takes_a_prefix(tmp_path):
    weights = trained(ours())
    path = saved(weights, tmp_path / "x.pth")
    for prefix in ("backbone.", "backbone"):
        init_cfg = dict(type="AdaptedPretrained", checkpoint=path, prefix=prefix)
        model = MODELS.build(ours(init_cfg=init_cfg))
        model.init_weights()
        assert equal(model, weights)


def test_two_channels_from_three(tmp_path):
    weights = trained(ours())
    path = saved(weights, tmp_path / "x.pth")
    model = stream(ours(2), path, adapt_input=True)
    model.init_weights()
    key = "stages.0.blocks.0.conv.weight"
    found = model.backbone.state_dict()[key]
    assert found.shape == (4, 2, 3, 5, 5)
    for channel in range(2):
        torch.testing.assert_close(found[:, channel], weights[key].mean(1))
    weights[key] = found
    assert equal(model.backbone, weights)


def test_flat_kernels_are_inflated(tmp_path):
    deep = {k: v.shape for k, v in MODELS.build(RESNET).state_dict().items()}
    flat = {
        key: torch.rand(shape[:2] + shape[3:] if len(shape) == 5 else shape)
        for key, shape in deep.items()
    }
    model = stream(RESNET, saved(flat, tmp_path / "x.pth"), inflate=True)
    model.init_weights()
    found = model.backbone.state_dict()
    for key, value in flat.items():
        if value.dim() == 4:
            torch.testing.assert_close(found[key].sum(2), value)
            assert torch.equal(found[key][:, :, 0], found[key][:, :, -1])
    assert found["conv1.conv.weight"].shape[2] == 5


def fails(model, *parts):
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.raises(ValueError) as caught:
        model.init_weights()
    message = str(caught.value)
    for part in parts:
        assert part in message
    assert len(message) < 1500
    after = model.state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items())


class TestMisfits:
    """Each an error that names the file, the keys and the remedy; nothing is loaded."""

    @pytest.fixture
    def path(self, tmp_path):
        return str(tmp_path / "x.pth")

    def test_a_key_without_a_place(self, path):
        weights = {**trained(ours()), "stages.9.blocks.0.conv.weight": torch.ones(1)}
        saved(weights, path)
        key = "backbone.stages.9.blocks.0.conv.weight: no such parameter"
        fails(stream(ours(), path), path, key, "convert_checkpoint")

    def test_a_forgotten_prefix(self, path):
        saved(trained(ours()), path)
        init_cfg = dict(type="AdaptedPretrained", checkpoint=path)
        model = MODELS.build(ours(init_cfg=init_cfg))
        fails(model, path, "no such parameter", "prefix='backbone.'", "more")

    def test_a_wrong_prefix(self, path):
        saved(trained(ours()), path)
        fails(stream(ours(), path, prefix="model"), path, "'model.'", "backbone.stages")

    def test_another_shape(self, path):
        weights = trained(ours())
        weights["stages.0.blocks.0.bn.bias"] = torch.ones(5)
        saved(weights, path)
        expected = "stages.0.blocks.0.bn.bias: (5,) in the file, not (4,)"
        fails(stream(ours(), path, adapt_input=True, inflate=True), path, expected)

    def test_a_part_that_would_stay_random(self, path):
        weights = trained(ours())
        del weights["stages.1.blocks.1.conv2.bn.running_var"]
        saved(weights, path)
        expected = "backbone.stages.1.blocks.1.conv2.bn.running_var"
        fails(stream(ours(), path), path, "leaves 1 ", expected)

    def test_other_channels_name_adapt_input(self, path):
        saved(trained(ours()), path)
        fails(stream(ours(2), path), path, "(4, 3, 3, 5, 5)", "set adapt_input=True")

    def test_flat_kernels_name_inflate(self, path):
        weights = trained(RESNET)
        weights["conv1.conv.weight"] = weights["conv1.conv.weight"][:, :, 0]
        saved(weights, path)
        fails(stream(RESNET, path), path, "(4, 3, 7, 7)", "set inflate=True")

    def test_adapt_input_is_for_one_convolution(self, path):
        weights = trained(ours())
        key = "stages.1.blocks.1.conv1.conv.weight"
        weights[key] = weights[key][:, :4]
        saved(weights, path)
        keys = ("stages.0.blocks.0.conv.weight 3 -> 2", f"{key} 4 -> 6")
        fails(stream(ours(2), path, adapt_input=True), path, "but 2 differ", *keys)

    def test_a_broken_file(self, path, tmp_path):
        (tmp_path / "x.pth").write_bytes(b"PK\3\4 half a file")
        fails(stream(ours(), path), path, "broken")

    def test_no_file(self, path):
        with pytest.raises(FileNotFoundError, match=r"x\.pth: no such file"):
            stream(ours(), path).init_weights()


def test_old_files_have_no_batch_counters(tmp_path):
    weights = {k: v for k, v in trained(ours()).items() if "num_batches" not in k}
    model = stream(ours(), saved(weights, tmp_path / "x.pth"))
    model.init_weights()
    found = model.backbone.state_dict()
    assert all(torch.equal(found[key], value) for key, value in weights.items())


def test_one_line_of_log(tmp_path):
    weights = trained(ours())
    meta = dict(mmstconv=dict(layout="a-layout", preprocessing={}))
    path = saved(weights, tmp_path / "x.pth", **meta)
    logger = MMLogger.get_instance("initializer", logger_name="initializer")
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logger.addHandler(handler)
    stream(ours(2), path, adapt_input=True).init_weights()
    lines = [r.getMessage() for r in records if "tensors from" in r.getMessage()]
    count = len(weights)
    key = "backbone.stages.0.blocks.0.conv.weight"
    assert lines == [
        f"ConvStream: {count} of {count} tensors from {path}, layout a-layout; "
        f"{key} 3 -> 2 channels"
    ]


CONFIG = """
default_scope = "mmaction"
stages = [
    dict(channels=4, kernel_size=(3, 5, 5), spatial_pool=dict(mode="max", size=2)),
    dict(block="ResidualBlock", channels=6, num_blocks=2, stride=2),
]
model = dict(
    type="TriModalRecognizer",
    streams=dict(
        rgb=dict(
            backbone=dict(type="STConvNet", stages=stages, in_channels=3),
            init_cfg=dict(type="AdaptedPretrained", checkpoint="{folder}/rgb.pth"),
        ),
        flow=dict(
            backbone=dict(
                type="ResNet3d", depth=18, base_channels=4, in_channels=2,
                conv1_kernel=(5, 7, 7), inflate=1,
            ),
            neck=dict(type="LSTMTemporalNeck", in_channels=32, hidden_channels=5),
            init_cfg=dict(
                type="AdaptedPretrained", checkpoint="{folder}/flow.pth",
                adapt_input=True,
            ),
        ),
    ),
    cls_head=dict(type="TriModalFusionHead", num_classes=4),
)
"""


def test_a_recognizer_from_a_config_and_converted_files(tmp_path):
    rgb, flow = trained(ours()), trained(RESNET)
    saved(rgb, tmp_path / "rgb.pth")
    source = saved(flow, tmp_path / "source.pth")
    convert_checkpoint(source, tmp_path / "flow.pth")
    config = tmp_path / "config.py"
    config.write_text(CONFIG.format(folder=tmp_path))
    model = MODELS.build(Config.fromfile(config).model)
    nn.init.constant_(model.cls_head.fc_cls.weight, 9.0)
    model.init_weights()
    assert equal(model.streams["rgb"].backbone, rgb)
    key = "conv1.conv.weight"
    found = model.streams["flow"].backbone.state_dict()
    torch.testing.assert_close(found[key][:, 1], flow[key].mean(1))
    flow[key] = found[key]
    assert equal(model.streams["flow"].backbone, flow)
    # what the files do not have is initialised as ever
    assert 0 < model.cls_head.fc_cls.weight.abs().max() < 1


CODE = """
import mmstconv
{check}
from mmengine.registry import DefaultScope, WEIGHT_INITIALIZERS as root
import mmaction.registry as ours
DefaultScope.get_instance('x', scope_name='mmaction')
with root.switch_scope_and_registry(None) as registry:
    print(registry.get('AdaptedPretrained').__module__)
print(ours.WEIGHT_INITIALIZERS.get('AdaptedPretrained').__name__)
"""


def test_it_is_found_after_importing_the_package():
    check = "import sys; assert 'mmstconv.checkpoints.initializer' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CODE.format(check=check)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.split()
    assert lines == ["mmstconv.checkpoints.initializer", "AdaptedPretrained"]
