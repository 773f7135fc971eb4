"""Source networks of video, and what must become of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import torch.nn.functional as F
from torch import nn

from . import s3d, torchvision_resnet
from .i3d_hassony import HassonyI3D
from .i3d_piergiaj import PiergiajI3D
from .resnet_hara import HaraResNet

RGB, FLOW = 3, 2


def pad_less_before(net: nn.Module) -> None:
    """One zero less before height and width in the stem; same size if that is even."""
    conv = next(module for module in net.modules() if isinstance(module, nn.Conv3d))
    pad_t, pad, _ = conv.padding
    conv.padding = (pad_t, 0, 0)
    conv.register_forward_pre_hook(
        lambda module, args: F.pad(args[0], (pad - 1, pad, pad - 1, pad))
    )


def pad_stem_evenly(net: nn.Module) -> None:
    """Three zeros on all sides of I3D's input."""
    block = net.stages[0].blocks[0]
    conv = nn.Conv3d(net.in_channels, 64, 7, stride=2, padding=3, bias=False)
    conv.load_state_dict(block.conv.state_dict())
    block.conv = conv


def pad_pool(stage: int, axis: str, padding) -> Callable[[nn.Module], None]:
    def change(net: nn.Module) -> None:
        getattr(net.stages[stage].pool, axis).padding = padding

    return change


def ddp(state: dict) -> dict:
    """The names that DataParallel gives, in the container of 3D-ResNets-PyTorch."""
    state = {f"module.{key}": value for key, value in state.items()}
    return dict(epoch=200, arch="resnet-34", state_dict=state)


def bare_ddp(state: dict) -> dict:
    return ddp(state)["state_dict"]


def contained(state: dict) -> dict:
    return dict(epoch=200, state_dict=state)


def at_each_step(x):
    """Class scores over time, as pytorch-i3d returns them."""
    return x.flatten(2)


def over_time(x):
    return x.flatten(2).mean(2)


class Case(NamedTuple):
    """
    Args:
        make: Builds the source.
        layout: The layout to be recognised.
        backbone: The config, but for type and input channels.
        clip: Shape of an input.
        tensors: In the file, without num_batches_tracked.
        parameters: Where stated: torchvision's metadata, kylemin's weights.
        counted: Whether the file has num_batches_tracked; torch < 0.4.1 wrote none.
        scores: From the classifier at each pooled position to the source's output.
        wrap: From weights to the content of the file.
        other_paddings: Changes to the padding that keep the output's size.
        asked: Arguments of ``convert_checkpoint``.
    """

    make: Callable[[], nn.Module]
    layout: str
    backbone: dict
    clip: tuple[int, ...]
    tensors: int
    parameters: int | None = None
    counted: bool = True
    scores: Callable = lambda x: x
    wrap: Callable = dict
    other_paddings: tuple[Callable[[nn.Module], None], ...] = ()
    asked: Mapping = MappingProxyType({})


_I3D = dict(arch="i3d")
_I3D_1E5 = dict(arch="i3d", norm_cfg=dict(type="BN3d", eps=1e-5))
_S3D = dict(arch="s3d")
_IG65M = dict(arch="r2plus1d_34", norm_cfg=dict(type="BN3d", eps=1e-3))

CASES = {
    "pytorch-i3d rgb, odd sizes": Case(
        lambda: PiergiajI3D(RGB),
        "pytorch-i3d",
        _I3D,
        (1, RGB, 13, 75, 90),
        287,
        counted=False,
        scores=at_each_step,
    ),
    "pytorch-i3d flow": Case(
        lambda: PiergiajI3D(FLOW, num_classes=157),
        "pytorch-i3d",
        _I3D,
        (1, FLOW, 16, 64, 64),
        287,
        counted=False,
        scores=at_each_step,
        other_paddings=(
            pad_stem_evenly,
            pad_pool(2, "temporal", (1, 0, 0)),
            pad_pool(0, "spatial", (0, 1, 1)),
        ),
    ),
    "hassony2 rgb of 2019, any time": Case(
        lambda: HassonyI3D(RGB, dynamic_time=True),
        "kinetics-i3d-pytorch",
        _I3D,
        (1, RGB, 13, 64, 80),
        287,
        counted=False,
        scores=over_time,
    ),
    "video_features flow": Case(
        lambda: HassonyI3D(FLOW, eps=1e-5),
        "kinetics-i3d-pytorch",
        _I3D_1E5,
        (1, FLOW, 12, 80, 64),
        287,
        scores=over_time,
        asked=dict(eps=1e-5),
    ),
    "kylemin S3D": Case(
        s3d.KyleminS3D,
        "kylemin-s3d",
        _S3D,
        (1, RGB, 17, 75, 64),
        387,
        8_320_048,
        counted=False,
        scores=over_time,
        wrap=bare_ddp,
    ),
    "torchvision s3d": Case(
        s3d.TorchvisionS3D,
        "torchvision-s3d",
        _S3D,
        (1, RGB, 16, 224, 224),
        387,
        8_320_048,
        scores=over_time,
        other_paddings=(pad_pool(1, "spatial", "same"),),
    ),
    "torchvision r3d_18": Case(
        torchvision_resnet.r3d_18,
        "torchvision-resnet3d",
        dict(arch="r3d_18"),
        (1, RGB, 8, 48, 56),
        102,
        33_371_472,
        other_paddings=(pad_less_before,),
    ),
    "torchvision mc3_18": Case(
        torchvision_resnet.mc3_18,
        "torchvision-resnet3d",
        dict(arch="mc3_18"),
        (1, RGB, 9, 48, 61),
        102,
        11_695_440,
    ),
    "torchvision r2plus1d_18": Case(
        torchvision_resnet.r2plus1d_18,
        "torchvision-r2plus1d",
        dict(arch="r2plus1d_18_torchvision"),
        (1, RGB, 9, 48, 56),
        187,
        31_505_325,
        other_paddings=(pad_less_before,),
    ),
    "IG-65M r2plus1d_34": Case(
        torchvision_resnet.ig65m_r2plus1d_34,
        "ig65m-r2plus1d",
        _IG65M,
        (1, RGB, 8, 48, 48),
        347,
    ),
    "Hara 18 B": Case(
        lambda: HaraResNet(18, num_classes=700),
        "3d-resnets-pytorch",
        dict(arch="hara_r3d_18"),
        (1, RGB, 9, 64, 75),
        102,
        wrap=contained,
    ),
    "Hara 18 A": Case(
        lambda: HaraResNet(18, shortcut="A"),
        "3d-resnets-pytorch",
        dict(arch="hara_r3d_18_shortcut_a"),
        (1, RGB, 8, 64, 64),
        87,
        counted=False,
        wrap=ddp,
        other_paddings=(pad_less_before, pad_pool(0, "temporal", "same")),
    ),
    "Hara 34 A": Case(
        lambda: HaraResNet(34, shortcut="A"),
        "3d-resnets-pytorch",
        dict(arch="hara_r3d_34_shortcut_a"),
        (1, RGB, 8, 48, 48),
        167,
        counted=False,
        wrap=ddp,
    ),
    "Hara 34 B": Case(
        lambda: HaraResNet(34),
        "3d-resnets-pytorch",
        dict(arch="hara_r3d_34"),
        (1, RGB, 8, 48, 48),
        182,
        wrap=contained,
    ),
    "Hara 50 B": Case(
        lambda: HaraResNet(50, num_classes=1039),
        "3d-resnets-pytorch",
        dict(arch="hara_r3d_50"),
        (1, RGB, 8, 64, 64),
        267,
        wrap=contained,
    ),
}
