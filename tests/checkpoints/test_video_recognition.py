"""Which video layout weights have, and the preprocessing that it tells."""

from __future__ import annotations

import pytest
import torch
from checkpoints.sources import c3d, torchvision_resnet
from checkpoints.sources.i3d_hassony import HassonyI3D
from checkpoints.sources.i3d_piergiaj import PiergiajI3D
from checkpoints.sources.resnet_hara import HaraResNet
from checkpoints.sources.video_cases import CASES, bare_ddp

from mmstconv.checkpoints.doctor import convert_checkpoint
from mmstconv.checkpoints.layouts import LAYOUTS


def shapes_of(make, *args, **kwargs) -> dict[str, torch.Tensor]:
    """A source's state dict without the memory for it."""
    with torch.device("meta"):
        return make(*args, **kwargs).state_dict()


def recognised(weights) -> list[str]:
    return [layout.name for layout in LAYOUTS if layout.recognise(weights)]


def expected_input(weights) -> dict:
    layout = next(layout for layout in LAYOUTS if layout.recognise(weights))
    return layout.preprocessing(weights)


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
