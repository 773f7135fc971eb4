"""Video layouts against statements of the source networks, through saved files."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from checkpoints.sources import c3d, torchvision_resnet
from checkpoints.sources.i3d_hassony import HassonyI3D
from checkpoints.sources.i3d_piergiaj import PiergiajI3D
from checkpoints.sources.random_weights import random_clip, randomise, relative_error
from checkpoints.sources.resnet_hara import HaraResNet
from checkpoints.sources.video_cases import CASES, bare_ddp
from mmaction.registry import MODELS
from torch import nn

from mmstconv.checkpoints.doctor import convert_checkpoint
from mmstconv.checkpoints.layouts import LAYOUTS

SAME = 1e-5
SEEN = 1e-4


def convert(source: nn.Module, path, *, counted: bool = True, wrap=dict, **kwargs):
    """Save a source's weights as it does, convert the file, build what it says."""
    state = source.state_dict()
    if not counted:
        state = {k: v for k, v in state.items() if "num_batches_tracked" not in k}
    torch.save(wrap(state), path)
    conversion = convert_checkpoint(path, **kwargs)
    path.unlink()
    return conversion, build(conversion)


def build(conversion, **changes) -> nn.Module:
    backbone = MODELS.build({**conversion.backbone, **changes}).eval()
    weights = {
        key.removeprefix("backbone."): value
        for key, value in conversion.weights.items()
        if key.startswith("backbone.")
    }
    backbone.to(next(iter(weights.values())).dtype)
    missing, unexpected = backbone.load_state_dict(weights, strict=False)
    assert not unexpected
    assert all(key.endswith("num_batches_tracked") for key in missing)
    return backbone


def classify(conversion, features: torch.Tensor) -> torch.Tensor:
    """Our linear classifier on pooled features: (N, C) or (N, C, positions...)."""
    weight, bias = (
        conversion.weights[f"cls_head.fc_cls.{name}"].to(features.dtype)
        for name in ("weight", "bias")
    )
    assert weight.dim() == 2
    return F.linear(features.movedim(1, -1), weight, bias).movedim(-1, 1)


def shapes_of(make, *args, **kwargs) -> dict[str, torch.Tensor]:
    """A source's state dict without the memory for it."""
    with torch.device("meta"):
        return make(*args, **kwargs).state_dict()


def recognised(weights) -> list[str]:
    return [layout.name for layout in LAYOUTS if layout.recognise(weights)]


def expected_input(weights) -> dict:
    layout = next(layout for layout in LAYOUTS if layout.recognise(weights))
    return layout.preprocessing(weights)


@pytest.mark.parametrize("name", CASES)
def test_same_network(name, tmp_path):
    case = CASES[name]
    source = randomise(case.make(), clip=(*case.clip[:3], 64, 80))
    tensors = [k for k in source.state_dict() if "num_batches_tracked" not in k]
    assert len(tensors) == case.tensors
    if case.parameters is not None:
        assert sum(p.numel() for p in source.parameters()) == case.parameters

    conversion, ours = convert(
        source,
        tmp_path / "source.pt",
        counted=case.counted,
        wrap=case.wrap,
        **case.asked,
    )
    assert conversion.layout.name == case.layout
    assert conversion.backbone == dict(
        type="STConvNet", in_channels=case.clip[1], **case.backbone
    )
    assert not conversion.unmatched

    # In float64: both networks are right to 5e-5 in float32, each in its own way.
    source, ours, clip = (
        one.double() for one in (source, ours, random_clip(*case.clip))
    )
    with torch.no_grad():
        wanted, got = source.features(clip), ours(clip)
        assert relative_error(got, wanted) < SAME
        scores = case.scores(classify(conversion, source.pool(got)))
        assert relative_error(scores, source(clip)) < SAME

        eps = next(m.eps for m in ours.modules() if isinstance(m, nn.BatchNorm3d))
        norm_cfg = dict(type="BN3d", eps={1e-3: 1e-5, 1e-5: 1e-3}[eps])
        wrong = build(conversion, norm_cfg=norm_cfg).double()
        assert relative_error(wrong(clip), wanted) > SEEN
        for change in case.other_paddings:
            wrong = build(conversion)
            change(wrong)
            assert relative_error(wrong.double()(clip), wanted) > SEEN


def test_c3d_of_named_layers(tmp_path):
    source = randomise(c3d.NamedC3D())
    conversion, ours = convert(source, tmp_path / "c3d.pickle")
    assert conversion.layout.name == "c3d-pytorch"
    assert conversion.backbone == dict(type="STConvNet", arch="c3d", in_channels=3)
    assert [after for *_, after in conversion.reshaped] == [
        (4096, 512, 1, 4, 4),
        (4096, 4096, 1, 1, 1),
    ]
    assert not conversion.unmatched
    clip = random_clip(1, 3, 16, 112, 112)
    with torch.no_grad():
        wanted = source.features(clip)
        below = clip
        for stage in ours.stages[:4]:
            below = stage(below)

        def top() -> torch.Tensor:
            x = below
            for stage in ours.stages[4:]:
                x = stage(x)
            assert x.shape == (1, 4096, 1, 1, 1)
            return x.flatten(1)

        got = top()
        assert relative_error(got, wanted) < SAME
        assert relative_error(classify(conversion, got), source.fc8(wanted)) < SAME
        ours.stages[4].pool.spatial.padding = "same"  # padded on one side only
        assert relative_error(top(), wanted) > SEEN
        ours.stages[4].pool.spatial.padding = (0, 1, 1)
        fc6 = ours.stages[5].blocks[0].conv
        fc6.weight.data = fc6.weight.data.transpose(3, 4)  # columns before rows
        assert relative_error(top(), wanted) > SEEN


def test_c3d_of_numbered_layers(tmp_path):
    source = randomise(c3d.NumberedC3D())
    conversion, ours = convert(source, tmp_path / "ucf101-caffe.pth")
    assert conversion.layout.name == "ucf101-caffe"
    assert len(conversion.matched) == 18 and len(conversion.reshaped) == 2
    clip = random_clip(1, 3, 16, 112, 112)
    with torch.no_grad():
        assert relative_error(ours(clip).flatten(1), source(clip)) < SAME


@pytest.mark.parametrize(
    ("dynamic_time", "size", "same"),
    [
        (False, (12, 64, 64), True),
        (False, (10, 64, 64), False),  # frames no multiple of 4
        (True, (10, 64, 64), True),
        (True, (12, 72, 64), False),  # height no multiple of 16
    ],
)
def test_sizes_at_which_fixed_padding_is_ours(dynamic_time, size, same, tmp_path):
    source = HassonyI3D(dynamic_time=dynamic_time)
    randomise(source, clip=(1, 3, 12, 64, 64))
    _, ours = convert(source, tmp_path / "i3d_rgb.pt")
    clip = random_clip(1, 3, *size)
    with torch.no_grad():
        wanted, got = source.features(clip), ours(clip)
    assert (wanted.shape == got.shape and relative_error(got, wanted) < SAME) == same


@pytest.mark.parametrize("depth", [18, 50])
def test_images_network_inflated(depth, tmp_path):
    """On a still video whose time goes on at both ends it is the 2D network."""
    source = HaraResNet(depth, ndim=2, num_classes=1000)
    source = randomise(source, clip=(4, 3, 96, 96)).double()  # to divide by 7 exactly
    path = tmp_path / "resnet.pth"
    with pytest.raises(ValueError, match="inflate"):
        convert(source, path)
    conversion, ours = convert(source, path, inflate=True)
    assert conversion.layout.name == "torchvision-resnet2d"
    assert conversion.backbone["arch"] == f"hara_r3d_{depth}"
    assert not conversion.unmatched
    for conv in ours.modules():
        if isinstance(conv, nn.Conv3d) and conv.padding[0]:
            pad = (0, 0, 0, 0, conv.padding[0], conv.padding[0])
            conv.padding = (0, *conv.padding[1:])
            conv.register_forward_pre_hook(
                lambda module, args, pad=pad: F.pad(args[0], pad, mode="replicate")
            )
    image = random_clip(1, 3, 64, 80).double()
    with torch.no_grad():
        wanted = source.features(image)
        got = ours(image.unsqueeze(2).expand(-1, -1, 8, -1, -1))
        assert got.shape[2] == 1
        assert relative_error(got[:, :, 0], wanted) < SAME
        scores = classify(conversion, source.pool(got))
        assert relative_error(scores, source(image)) < SAME


@pytest.mark.parametrize(
    ("depth", "parameters"), [(18, 11_689_512), (34, 21_797_672), (50, 25_557_032)]
)
def test_images_network_is_torchvisions(depth, parameters):
    """The numbers are those of torchvision's weights."""
    source = HaraResNet(depth, ndim=2, num_classes=1000)
    assert sum(p.numel() for p in source.parameters()) == parameters
    assert recognised(source.state_dict())[0] == "torchvision-resnet2d"


def test_one_layout_claims_each():
    found = {name: recognised(shapes_of(case.make)) for name, case in CASES.items()}
    assert {name: names[0] for name, names in found.items()} == {
        name: case.layout for name, case in CASES.items()
    }
    others = {name: set(names[1:]) for name, names in found.items()}
    allowed = {"resnet-outside-the-family"}
    assert [name for name, rest in others.items() if rest - allowed] == []


def norm_first(state: dict) -> dict:
    """A pre-activation ResNet-18: each norm is as wide as its block's input."""
    narrow = torch.empty(64, device="meta")
    changed = {key: narrow for key in state if key.startswith("layer2.0.bn1.")}
    return {**state, **changed}


OUTSIDE = {
    "ResNet-101": lambda: shapes_of(HaraResNet, 101),
    "ResNet-50, shortcut A": lambda: shapes_of(HaraResNet, 50, shortcut="A"),
    "ResNeXt": lambda: shapes_of(HaraResNet, 50, groups=32),
    "wide": lambda: shapes_of(HaraResNet, 50, width=128),
    "pre-activation": lambda: norm_first(shapes_of(HaraResNet, 18)),
    "ResNet-101 on images": lambda: shapes_of(HaraResNet, 101, ndim=2),
}


def test_what_only_looks_like_the_family():
    found = {name: recognised(make()) for name, make in OUTSIDE.items()}
    assert found == {name: ["resnet-outside-the-family"] for name in OUTSIDE}


def test_what_only_looks_like_the_family_is_reported_and_not_written(tmp_path):
    path, out = tmp_path / "r3d.pth", tmp_path / "out.pth"
    shapes = norm_first(shapes_of(HaraResNet, 18))
    state = {key: torch.zeros(value.shape) for key, value in shapes.items()}
    torch.save(dict(state_dict=bare_ddp(state)), path)
    table = convert_checkpoint(path).table()
    assert "(2, 2, 2, 2) blocks" in table and "layer2.0.bn1.weight (64,)" in table
    with pytest.raises(ValueError, match="pre-activation"):
        convert_checkpoint(path, out)
    assert not out.exists()


PREPROCESSING = {
    "I3D": (
        lambda: shapes_of(PiergiajI3D, 3),
        dict(
            modality="rgb",
            mean=[127.5] * 3,
            std=[127.5] * 3,
            channel_order="RGB",
            clip=[64, 224, 224],
        ),
    ),
    "I3D flow": (
        lambda: shapes_of(HassonyI3D, 2),
        dict(
            modality="flow",
            mean=[0.0, 0.0],
            std=[20.0, 20.0],
            bound=20.0,
            clip=[64, 224, 224],
        ),
    ),
    "I3D of 4": (lambda: shapes_of(PiergiajI3D, 4), {}),
    "C3D": (
        lambda: shapes_of(c3d.NamedC3D, 101),
        dict(
            modality="rgb",
            mean=[90.0, 98.0, 102.0],
            std=[1.0] * 3,
            channel_order="BGR",
            clip=[16, 112, 112],
        ),
    ),
    "IG-65M": (
        lambda: shapes_of(torchvision_resnet.ig65m_r2plus1d_34, 359),
        dict(
            modality="rgb",
            mean=[110.2008, 100.63983, 95.99475],
            std=[58.14765, 56.46975, 55.332195],
            channel_order="RGB",
            clip=[32, 112, 112],
        ),
    ),
    "Hara 2020": (
        lambda: shapes_of(HaraResNet, 50),
        dict(
            modality="rgb",
            mean=[110.7975, 103.3005, 96.2625],
            std=[70.584, 69.1815, 69.7935],
            channel_order="RGB",
            clip=[16, 112, 112],
        ),
    ),
    "Hara 2018": (
        lambda: shapes_of(HaraResNet, 34, shortcut="A"),
        dict(
            modality="rgb",
            mean=[114.7748, 107.7354, 99.475],
            std=[1.0] * 3,
            channel_order="RGB",
            clip=[16, 112, 112],
        ),
    ),
}


def test_preprocessing():
    found = {name: expected_input(make()) for name, (make, _) in PREPROCESSING.items()}
    assert found == {name: wanted for name, (_, wanted) in PREPROCESSING.items()}


def test_ig65m_of_kinetics_leaves_the_number_of_frames_open():
    found = expected_input(shapes_of(torchvision_resnet.ig65m_r2plus1d_34, 400))
    assert "clip" not in found and found["modality"] == "rgb"


def test_two_c3d_of_the_same_names():
    assert recognised(shapes_of(c3d.NamedC3D, 487))[0] == "c3d-pytorch"
    assert recognised(shapes_of(c3d.NamedC3D, 101)) == ["pytorch-video-recognition"]
