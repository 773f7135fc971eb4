"""A small network of frames to come, and what it sees."""

from __future__ import annotations

import torch
from mmaction.registry import MODELS

SEEN, FUTURE, SIDE = 4, 3, 16
HALF = dict(channels=4, stride=(1, 2, 2))


def network(translator=None, **kwargs):
    return MODELS.build(
        dict(
            type="TrunkFrameNetwork",
            seen=SEEN,
            future=FUTURE,
            streams=dict(
                rgb=dict(
                    backbone=dict(type="STConvNet", in_channels=3, stages=[HALF, HALF])
                ),
                flow=dict(
                    backbone=dict(type="STConvNet", in_channels=2, stages=[HALF])
                ),
            ),
            conditions=dict(
                audio=dict(
                    backbone=dict(
                        type="AudioConvNet", in_channels=8, stages=[dict(channels=4)]
                    )
                )
            ),
            translator=translator
            or dict(type="ConvMixerTranslator", channels=8, blocks=2, kernel_size=3),
            feature_channels=8,
            **kwargs,
        )
    )


def inputs(samples=2, seen=SEEN):
    return dict(
        rgb=torch.rand(samples, 3, seen, SIDE, SIDE),
        flow=torch.randn(samples, 2, seen, SIDE // 2, SIDE // 2),
        audio=torch.randn(samples, 8, 10),
    )


def presence(samples=2, **absent):
    return {
        name: torch.tensor([name not in absent or k in absent[name] for k in
                            range(samples)])
        for name in ("rgb", "flow", "audio")
    }  # fmt: skip


def heard(net):
    """Lets sound count: at the beginning FiLM is the identity."""
    for name, parameter in net.named_parameters():
        if ".films." in name:
            torch.nn.init.normal_(parameter, std=0.5)
    for layer in (net.decoder.motion, net.decoder.mend[-2]):
        torch.nn.init.normal_(layer.weight, std=0.2)
    return net.eval()
