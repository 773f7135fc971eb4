"""MMAction2's recognizers, saved as MMEngine does, against what we make of them."""

from __future__ import annotations

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.registry import DefaultScope
from mmengine.runner import save_checkpoint
from torch import nn

from mmstconv.checkpoints.doctor import convert_checkpoint

SAME = 1e-5


@pytest.fixture(autouse=True)
def _scope():
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmaction"):
        yield


def randomise(model: nn.Module) -> nn.Module:
    """No parameter and no statistic keeps the value it is born with."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.2)
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.5, 2)
            elif isinstance(getattr(module, "bias", None), nn.Parameter):
                module.bias.normal_(0, 0.2)
            if isinstance(module, (nn.Conv2d, nn.Conv3d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight)
    model.eval()  # MMAction2's backbones return None from this
    return model


def recognizer(backbone: dict, head: dict, kind: str = "Recognizer3D") -> nn.Module:
    cfg = dict(type=kind, backbone=backbone, cls_head=dict(num_classes=7, **head))
    return randomise(MODELS.build(cfg))


def convert(model: nn.Module, path, **kwargs):
    content = dict(meta=dict(epoch=3), state_dict=model.state_dict())
    save_checkpoint(content, str(path))
    conversion = convert_checkpoint(path, **kwargs)
    path.unlink()  # hundreds of megabytes
    backbone = MODELS.build(conversion.backbone)
    backbone.load_state_dict(part(conversion.weights, "backbone."))
    backbone.eval()
    return conversion, backbone


def part(weights, prefix):
    return {
        key[len(prefix) :]: value
        for key, value in weights.items()
        if key.startswith(prefix)
    }


def error(found, expected) -> float:
    assert found.shape == expected.shape
    assert expected.std() > 1e-3  # there is something to compare
    return ((found - expected).abs().max() / expected.abs().max()).item()


def check(model, conversion, backbone, shape, whole_head=True):
    assert not conversion.unmatched and not conversion.missing
    clip = torch.randn(shape)
    with torch.no_grad():
        expected, found = model.backbone(clip), backbone(clip)
        assert error(found, expected) <= SAME
        if whole_head:
            scores = model.cls_head(expected)
            model.cls_head.load_state_dict(part(conversion.weights, "cls_head."))
            assert error(model.cls_head(found), scores) <= SAME


I3D_R50 = dict(
    type="ResNet3d",
    depth=50,
    pretrained2d=False,
    conv1_kernel=(5, 7, 7),
    conv1_stride_t=2,
    pool1_stride_t=2,
    inflate=((1, 1, 1), (1, 0, 1, 0), (1, 0, 1, 0, 1, 0), (0, 1, 0)),
)
HEAVY = dict(
    type="ResNet3d", depth=50, pretrained2d=False, conv1_kernel=(5, 7, 7), inflate=1
)
RESIDUAL = {
    "i3d-r50": I3D_R50,
    "i3d-r50-heavy": HEAVY,
    "3x3x3": dict(I3D_R50, inflate_style="3x3x3", in_channels=2),
    "basic-blocks": dict(I3D_R50, depth=18, inflate=(0, 1, 0, 1), base_channels=16),
    "own-depth": dict(I3D_R50, stage_blocks=(1, 2, 1, 1), inflate=(1, (0, 1), 0, 1)),
    "slowonly-r50": dict(type="ResNet3dSlowOnly", depth=50, lateral=False),
    "slowonly-flow": dict(
        type="ResNet3dSlowOnly", depth=50, lateral=False, in_channels=2
    ),
    "r2plus1d-34": dict(
        type="ResNet2Plus1d",
        depth=34,
        pretrained2d=False,
        conv_cfg=dict(type="Conv2plus1d"),
        norm_cfg=dict(type="BN3d", eps=1e-3),
        temporal_strides=(1, 2, 2, 2),
    ),
}


@pytest.mark.parametrize("name", RESIDUAL)
def test_residual_networks(name, tmp_path):
    cfg = RESIDUAL[name]
    expansion = 1 if cfg["depth"] < 50 else 4
    width = cfg.get("base_channels", 64) * 8 * expansion
    model = recognizer(cfg, dict(type="I3DHead", in_channels=width))
    conversion, backbone = convert(model, tmp_path / "x.pth")
    assert type(backbone) is type(model.backbone)
    channels = cfg.get("in_channels", 3)
    assert conversion.backbone["in_channels"] == channels
    expected = "rgb" if channels == 3 else "flow"
    assert conversion.preprocessing["modality"] == expected
    assert len(conversion.preprocessing["mean"]) == channels
    check(model, conversion, backbone, (2, channels, 8, 40, 40))


@pytest.mark.parametrize(
    "cfg",
    [
        dict(gamma_w=1, gamma_b=2.25, gamma_d=2.2),  # X3D-S and -M
        dict(gamma_w=2, gamma_b=2.25, gamma_d=1, se_style="all"),
        dict(gamma_w=1, gamma_b=1.5, gamma_d=1.3, se_ratio=None),
    ],
    ids=["x3d-m", "wide, se everywhere", "narrow, no se"],
)
def test_x3d(cfg, tmp_path):
    width = int(192 * cfg["gamma_w"] * cfg["gamma_b"])
    head = dict(type="X3DHead", in_channels=width)
    model = recognizer(dict(type="X3D", **cfg), head)
    conversion, backbone = convert(model, tmp_path / "x.pth")
    assert conversion.layout.name == "mmaction2-x3d"
    check(model, conversion, backbone, (2, 3, 8, 64, 64))


def test_x3d_m_is_told_as_its_config_has_it(tmp_path):
    backbone = dict(type="X3D", gamma_w=1, gamma_b=2.25, gamma_d=2.2)
    model = recognizer(backbone, dict(type="X3DHead", in_channels=432))
    conversion, _ = convert(model, tmp_path / "x.pth")
    assert conversion.backbone.items() >= backbone.items()


def test_c3d_in_our_network(tmp_path):
    """fc7 after its ReLU, and the scores of the head."""
    model = recognizer(
        dict(type="C3D"), dict(type="I3DHead", in_channels=4096, spatial_type=None)
    )
    conversion, backbone = convert(model, tmp_path / "x.pth")
    assert conversion.backbone == dict(type="STConvNet", arch="c3d", in_channels=3)
    assert len(conversion.reshaped) == 2 and not conversion.unmatched
    clip = torch.randn(1, 3, 16, 112, 112)
    with torch.no_grad():
        expected, found = model.backbone(clip), backbone(clip)
        assert found.shape == (1, 4096, 1, 1, 1)
        assert error(found.flatten(1), expected) <= SAME
        scores = model.cls_head(expected)
        model.cls_head.load_state_dict(part(conversion.weights, "cls_head."))
        assert error(model.cls_head(found), scores) <= SAME


def test_bare_c3d_backbone(tmp_path):
    """The Sports-1M file that MMAction2's config starts from has no prefix."""
    with torch.device("meta"):
        names = MODELS.build(dict(type="C3D")).state_dict()
    weights = {key: torch.ones(value.shape) for key, value in names.items()}
    torch.save(weights, tmp_path / "x.pth")
    conversion = convert_checkpoint(tmp_path / "x.pth")
    (tmp_path / "x.pth").unlink()
    assert len(conversion.matched) + len(conversion.reshaped) == len(weights) == 20
    assert conversion.preprocessing["mean"] == [104, 117, 128]


@pytest.mark.parametrize("depth", [18, 50])
def test_an_inflated_tsn_sees_a_still_clip_as_tsn_sees_its_frame(depth, tmp_path):
    """At the one step that temporal padding does not reach; long enough for one."""
    width = 512 if depth < 50 else 2048
    head = dict(type="TSNHead", in_channels=width)
    model = recognizer(dict(type="ResNet", depth=depth), head, "Recognizer2D")
    conversion, backbone = convert(model, tmp_path / "x.pth", inflate=True)
    kernels = [v for v in model.state_dict().values() if v.dim() == 4]
    assert conversion.adapted == [f"inflated ({len(kernels)} kernels)"]
    frame = torch.randn(1, 3, 33, 33)
    # strides over time are 1 here, so that the middle stays in the middle
    still = {**conversion.backbone, "conv1_stride_t": 1, "pool1_stride_t": 1}
    backbone = MODELS.build({**still, "with_pool2": False})
    backbone.load_state_dict(part(conversion.weights, "backbone."))
    backbone.eval()
    steps = 45
    with torch.no_grad():
        expected = model.backbone(frame)
        found = backbone(frame.unsqueeze(2).repeat(1, 1, steps, 1, 1))
        assert error(found[:, :, steps // 2], expected) <= SAME
    assert conversion.weights["cls_head.fc_cls.weight"].shape == (7, width)


def test_tsn_says_that_it_wants_inflation(tmp_path):
    model = recognizer(
        dict(type="ResNet", depth=18),
        dict(type="TSNHead", in_channels=512),
        "Recognizer2D",
    )
    with pytest.raises(ValueError, match=r"x\.pth: .*resnet-2d.* 2D.*--inflate"):
        convert(model, tmp_path / "x.pth")


def test_flow_from_rgb(tmp_path):
    """Two channels with the mean of three: on equal inputs 2/3 of the response."""
    cfg = dict(I3D_R50, depth=18, inflate=(1, 1, 0, 0), base_channels=8)
    model = recognizer(cfg, dict(type="I3DHead", in_channels=64))
    conversion, backbone = convert(model, tmp_path / "x.pth", in_channels=2)
    assert conversion.backbone["in_channels"] == 2
    assert conversion.adapted == ["first convolution 3 -> 2 channels (mean)"]
    assert conversion.preprocessing == dict(modality="flow", clip=[32, 224, 224])
    same = torch.randn(1, 1, 4, 16, 16)
    with torch.no_grad():
        three = model.backbone.conv1.conv(same.repeat(1, 3, 1, 1, 1))
        two = backbone.conv1.conv(same.repeat(1, 2, 1, 1, 1))
    assert error(two * 3 / 2, three) <= SAME


def test_non_local_blocks_are_refused_with_the_reason(tmp_path):
    cfg = dict(
        I3D_R50,
        depth=18,
        inflate=1,
        base_channels=8,
        non_local=((0, 0), (0, 1), (0, 0), (0, 0)),
        non_local_cfg=dict(sub_sample=True, mode="dot_product"),
    )
    model = recognizer(cfg, dict(type="I3DHead", in_channels=64))
    with pytest.raises(ValueError, match=r"x\.pth: .*non-local.*config"):
        convert(model, tmp_path / "x.pth")


@pytest.mark.parametrize(
    "cfg",
    [
        dict(type="ResNet3dCSN", depth=50, pretrained=None),
        dict(
            type="ResNet3dSlowFast",
            slow_pathway=dict(
                type="resnet3d", depth=50, lateral=True, conv1_kernel=(1, 7, 7)
            ),
            fast_pathway=dict(
                type="resnet3d", depth=50, lateral=False, base_channels=8
            ),
            pretrained=None,
        ),
        dict(type="ResNetTSM", depth=50),
        dict(type="ResNet3d", depth=50, num_stages=3, out_indices=(2,),
             spatial_strides=(1, 2, 2), temporal_strides=(1, 1, 1),
             dilations=(1, 1, 1), inflate=1),
    ],
    ids=["csn", "slowfast", "tsm", "three stages (PoseC3D)"],
)  # fmt: skip
def test_other_networks_of_mmaction2_are_not_taken_for_these(cfg, tmp_path):
    with torch.device("meta"):
        names = MODELS.build(cfg).state_dict()
    weights = {f"backbone.{k}": torch.zeros(v.shape) for k, v in names.items()}
    torch.save({"state_dict": weights}, tmp_path / "x.pth")
    with pytest.raises(ValueError, match=r"layout of its .* is unknown"):
        convert_checkpoint(tmp_path / "x.pth")
