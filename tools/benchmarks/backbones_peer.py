"""Row 9: our backbones beside the same architectures of MMAction2.

    python tools/benchmarks/backbones_peer.py

Forward and backward of one clip in float32 and training mode. R(2+1)D-34 has the peer's
pooling behind the stem, I3D-R50 its 3x3x3 inflation. Not quite the same: C3D's fc6 and
fc7 are convolutions here, and the peer's R(2+1)D-34 has 0.08 % more parameters. The
second line of each pair has shares of the rate of one 3x3x3 convolution in the same
rounds, the third the peer's convolutions alone, one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch
from measuring import Result, alternate, multiply_adds, result, script
from mmaction.registry import MODELS
from mmaction.utils import register_all_modules
from torch import nn

import mmstconv.models  # noqa: F401

TIME_STRIDES = (1, 2, 2, 2)
INFLATE = ((1, 1, 1), (1, 0, 1, 0), (1, 0, 1, 0, 1, 0), (0, 1, 0))
THREE = dict(mode="max", size=3, stride=2, padding=1)
SPLIT = dict(conv_cfg=dict(type="Conv2plus1d"))
BN_2PLUS1D = dict(type="BN3d", eps=1e-3)


def r2plus1d_34() -> dict:
    stem = dict(channels=64, kernel_size=(3, 7, 7), stride=(1, 2, 2))
    stages = [dict(stem, spatial_pool=THREE, **SPLIT)]
    for channels, depth, stride in zip((64, 128, 256, 512), (3, 4, 6, 3), TIME_STRIDES):
        block = dict(block="ResidualBlock", channels=channels, num_blocks=depth)
        stages.append(dict(block, stride=stride, **SPLIT))
    return dict(type="STConvNet", stages=stages, norm_cfg=BN_2PLUS1D)


def i3d_r50() -> dict:
    stem = dict(channels=64, kernel_size=(5, 7, 7), stride=2, spatial_pool=THREE)
    stages = [dict(stem, temporal_pool=dict(mode="max", size=1, stride=2))]
    for channels, inflate in zip((256, 512, 1024, 2048), INFLATE):
        block = dict(type="BottleneckBlock", channels=channels)
        blocks = [dict(block, kernel_size=3 if t else (1, 3, 3)) for t in inflate]
        if channels > 256:
            blocks[0]["stride"] = (1, 2, 2)
        stages.append(dict(blocks=blocks))
    stages[1]["temporal_pool"] = dict(mode="max", size=2)
    return dict(type="STConvNet", stages=stages)


RESNET = dict(type="ResNet3d", pretrained2d=False)
R3D_18 = dict(RESNET, depth=18, with_pool1=False, with_pool2=False)
R2PLUS1D_34 = dict(RESNET, type="ResNet2Plus1d", depth=34, norm_cfg=BN_2PLUS1D)
I3D_R50 = dict(RESNET, depth=50, inflate=INFLATE, inflate_style="3x3x3")
I3D_STEM = dict(conv1_kernel=(5, 7, 7), conv1_stride_t=2, pool1_stride_t=2)
STRIDED = dict(temporal_strides=TIME_STRIDES)
#: Ours, the peer's, and the clip; MMAction2's configs have the shapes.
PAIRS: dict[str, tuple[Mapping, Mapping, tuple[int, ...]]] = {
    "R3D-18": (
        dict(type="STConvNet", arch="r3d_18"),
        dict(R3D_18, **STRIDED),
        (3, 16, 112, 112),
    ),
    "R(2+1)D-34": (
        r2plus1d_34(),
        dict(R2PLUS1D_34, **STRIDED, **SPLIT),
        (3, 8, 224, 224),
    ),
    "I3D-R50": (i3d_r50(), dict(I3D_R50, **I3D_STEM), (3, 32, 224, 224)),
    "C3D": (dict(type="STConvNet", arch="c3d"), dict(type="C3D"), (3, 16, 112, 112)),
}


def build(cfg: Mapping) -> nn.Module:
    register_all_modules(init_default_scope=True)
    net = MODELS.build(dict(cfg))
    net.train()  # MMAction2's returns None
    return net


def training_of(
    net: nn.Module, shape: tuple[int, ...], input_grad: bool = False
) -> Callable[[], None]:
    """Forward and backward of a bare network on one clip of noise."""
    x = torch.randn(1, *shape, requires_grad=input_grad)

    def step() -> None:
        net(x).sum().backward()
        net.zero_grad(set_to_none=True)
        x.grad = None

    return step


def convolutions_of(net: nn.Module, shape: tuple[int, ...]) -> Callable[[], None]:
    """Forward and backward of each 3D convolution of a network on one clip, alone."""
    found: list[tuple[nn.Module, torch.Size]] = []
    hooks = [
        layer.register_forward_pre_hook(
            lambda layer, inputs: found.append((layer, inputs[0].shape))
        )
        for layer in net.modules()
        if isinstance(layer, nn.Conv3d)
    ]
    with torch.no_grad():
        net(torch.randn(1, *shape))
    for hook in hooks:
        hook.remove()
    clips = {size: torch.randn(size).requires_grad_() for _, size in found}
    clips[found[0][1]].requires_grad_(False)
    backs = [
        (layer, clips[size], torch.randn_like(layer(clips[size])))
        for layer, size in found
    ]

    def step() -> None:
        for layer, x, back in backs:
            layer(x).backward(back)
            layer.zero_grad(set_to_none=True)
            x.grad = None

    return step


def shares(name: str, macs: Mapping[str, float], spent: Mapping) -> Result:
    """Our share of the convolution's rate by the peer's."""
    ours, peer = (
        [
            macs[side] / one / (macs["peak"] / peak)
            for one, peak in zip(spent[side], spent["peak"])
        ]
        for side in ("ours", "peer")
    )
    what = f"{name}: share of a 3x3x3 convolution's rate"
    note = "larger is better; goal: at least 1"
    return result("9", what, ours, peer, unit="of the rate", note=note)


def measure(rounds: int = 2, only: tuple = tuple(PAIRS)) -> Iterator[Result]:
    torch.manual_seed(0)
    peak = training_of(nn.Conv3d(128, 128, 3, padding=1), (128, 8, 28, 28), True)
    for name in only:
        ours, peer, shape = PAIRS[name]
        sides = {
            "ours": training_of(build(ours), shape),
            "peer": training_of(build(peer), shape),
            "peak": peak,
        }
        macs = {side: multiply_adds(work) for side, work in sides.items()}
        sides["bare"] = convolutions_of(build(peer), shape)
        spent = alternate(sides, rounds)
        note = f"{torch.get_num_threads()} threads, float32, 1 x {shape}"
        yield result("9", name, spent["ours"], spent["peer"], 0.8, note=note)
        yield shares(name, macs, spent)
        bound = f"bound: {name}'s convolutions alone"
        yield result("9", bound, spent["bare"], spent["peer"])


if __name__ == "__main__":
    script(measure)
