"""EfficientNet-Lite as stages of frames, or with kernels over time."""

from __future__ import annotations

import math
from collections.abc import Sequence

# Tan 2019 (https://arxiv.org/abs/1905.11946), table 1: blocks, kernel, stride,
# expansion and channels of the seven stages between stem and head.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_FOLDED = dict(conv_cfg=dict(type="FoldedConv3d"))
LAST = (6, 7)  # maps of a thirty-second of the input
ALL = tuple(range(1, 8))


def efficientnet_lite(
    width: float = 1.0, depth: float = 1.0, inflated: Sequence[int] = ()
) -> list[dict]:
    """Stages of EfficientNet-Lite for clips; each frame for itself, or not.

    The Lite networks (tensorflow/tpu, models/official/efficientnet/lite) have no
    squeeze-and-excitation, ReLU6 for Swish, and a stem and a head that do not grow
    with the network.

    Args:
        width: Multiplies the channels, which stay multiples of 8.
        depth: Multiplies the blocks of a stage, but for the first and the last.
        inflated: Stages whose depthwise kernels have 3 over time; the stem is 0.
    """
    stages = [dict(channels=32, kernel_size=(1, 3, 3), stride=(1, 2, 2), **_FOLDED)]
    for index, (blocks, kernel, stride, expansion, channels) in enumerate(_STAGES, 1):
        grows = index not in (1, len(_STAGES))
        over_time = 3 if index in inflated else 1
        stages.append(
            dict(
                block="LinearBottleneckBlock",
                channels=_multiple_of_8(channels * width),
                num_blocks=math.ceil(blocks * depth) if grows else blocks,
                kernel_size=(over_time, kernel, kernel),
                stride=(1, stride, stride),
                expansion=expansion,
                **_FOLDED,
            )
        )
    return [*stages, dict(channels=1280, kernel_size=1, **_FOLDED)]


def _multiple_of_8(channels: float) -> int:
    """The nearest multiple of 8 that takes away no more than a tenth."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded
