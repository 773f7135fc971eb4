"""The table of docs/backbones.md: every network that ``arch=`` names.

    python tools/analysis/list_backbones.py

Parameters include the published classifier; multiply-adds are those of the trunk's
convolutions for one clip (sound: about one second), counted without computing.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import mmstconv  # noqa: F401  (repairs)
from mmstconv.models import AudioConvNet, MelConvNet, STConvNet
from mmstconv.models.backbones.audio_archs import AUDIO_ARCHS, MEL_ARCHS
from mmstconv.models.backbones.st_archs import ST_ARCHS

# Classes of the published network and shape of its input, channels first.
INPUT = dict.fromkeys(ST_ARCHS, (400, (3, 16, 112, 112)))
INPUT |= {"c3d": (487, (3, 16, 112, 112)), "r2plus1d_34": (400, (3, 32, 112, 112))}
INPUT |= dict.fromkeys(("i3d", "s3d", "s3dg"), (400, (3, 64, 224, 224)))
INPUT |= {
    arch: (1000, (3, frames, size, size))
    for arch, frames, size in (
        ("efficientnet_lite0", 1, 224),
        ("efficientnet_lite0_every2", 16, 224),
        ("efficientnet_lite0_3d", 8, 224),
        ("efficientnet_lite0_top3d", 8, 224),
        ("efficientnet_lite1", 1, 240),
        ("efficientnet_lite2", 1, 260),
    )
}
INPUT |= {
    "cnn14": (527, (64, 100)),
    "vggish": (0, (64, 96)),
    "mel_lite": (400, (64, 100)),
}
INPUT |= {"res1dnet31": (527, (1, 32000)), "soundnet8": (0, (1, 22050 * 20))}
# PANNs have one more layer before the classifier.
BETWEEN = {"cnn14": 2048 * 2048 + 2048, "res1dnet31": 2048 * 2048 + 2048}


def build(arch: str) -> nn.Module:
    if arch in ST_ARCHS:
        return STConvNet(arch=arch)
    if arch in MEL_ARCHS:
        return MelConvNet(arch=arch)
    return AudioConvNet(arch=arch, in_channels=1)


def count(arch: str) -> dict:
    """Parameters, multiply-adds and time steps of one network at its own input."""
    classes, shape = INPUT[arch]
    with torch.device("meta"):  # no memory, no initial values
        net = build(arch).eval()
    with FlopCounterMode(display=False) as counter:
        out = net(torch.empty(1, *shape, device="meta"))
    parameters = sum(parameter.numel() for parameter in net.parameters())
    return dict(
        arch=arch,
        input=" x ".join(map(str, shape)),
        parameters=parameters + BETWEEN.get(arch, 0) + classes * (net.out_channels + 1),
        multiply_adds=counter.get_total_flops() // 2,
        channels=net.out_channels,
        steps=out.shape[2],
    )


def row(counts: dict) -> str:
    return (
        f"| `{counts['arch']}` | {counts['input']} | {counts['parameters']:,} "
        f"| {counts['multiply_adds'] / 1e9:.2f} | {counts['channels']} "
        f"| {counts['steps']} |"
    )


def main() -> None:
    print("| arch | input | parameters | 10^9 MACs | channels | steps |")
    print("|---|---|---|---|---|---|")
    for arch in (*ST_ARCHS, *MEL_ARCHS, *AUDIO_ARCHS):
        print(row(count(arch)))


if __name__ == "__main__":
    main()
