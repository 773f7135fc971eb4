"""MMAction2's ResNets: arguments of their classes from names and shapes of weights."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

_DEPTHS = {
    (False, (2, 2, 2, 2)): 18,
    (False, (3, 4, 6, 3)): 34,
    (True, (3, 4, 6, 3)): 50,
    (True, (3, 4, 23, 3)): 101,
    (True, (3, 8, 36, 3)): 152,
}
_I3D_INFLATE = ((1, 1, 1), (1, 0, 1, 0), (1, 0, 1, 0, 1, 0), (0, 1, 0))
STEM = "backbone.conv1.conv.weight"
_FIRST = "backbone.layer1.0.conv1.conv"


def size_of(weights: Mapping[str, Tensor], key: str) -> tuple[int, ...]:
    return tuple(weights[key].shape) if key in weights else ()


def blocks_of(weights: Mapping[str, Tensor]) -> list[list[str]]:
    """Names of the residual blocks (``backbone.layer1.0``), per stage."""
    found = {re.match(r"backbone\.layer(\d+)\.(\d+)\.", key) for key in weights}
    numbers = sorted({(int(m[1]), int(m[2])) for m in found if m})
    return [
        [f"backbone.layer{stage}.{block}" for s, block in numbers if s == stage]
        for stage in sorted({stage for stage, _ in numbers})
    ]


def _depth(weights: Mapping[str, Tensor]) -> dict:
    """Arguments ``depth`` and, for a depth that has no name, ``stage_blocks``."""
    bottleneck = "backbone.layer1.0.conv3.conv.weight" in weights
    counts = tuple(len(stage) for stage in blocks_of(weights))
    if (bottleneck, counts) in _DEPTHS:
        return dict(depth=_DEPTHS[bottleneck, counts])
    return dict(depth=50 if bottleneck else 18, stage_blocks=counts)


def _is_resnet(weights: Mapping[str, Tensor], dims: int) -> bool:
    return (
        len(size_of(weights, STEM)) == dims
        and len(size_of(weights, f"{_FIRST}.weight")) == dims
        and "backbone.layer1.0.conv2.conv.weight" in weights
        and len(blocks_of(weights)) == 4
    )


def is_resnet2d(weights: Mapping[str, Tensor]) -> bool:
    return _is_resnet(weights, 4) and size_of(weights, STEM)[2:] == (7, 7)


def is_resnet3d(weights: Mapping[str, Tensor]) -> bool:
    return _is_resnet(weights, 5) and size_of(weights, STEM)[2] > 1


def is_slowonly(weights: Mapping[str, Tensor]) -> bool:
    return _is_resnet(weights, 5) and size_of(weights, STEM)[2] == 1


def _inflation(weights: Mapping[str, Tensor]) -> dict:
    """Arguments that say which kernels reach over time."""
    style, stages = "3x1x1", []
    for stage in blocks_of(weights):
        lengths = []
        for block in stage:
            conv1 = size_of(weights, f"{block}.conv1.conv.weight")[2]
            conv2 = size_of(weights, f"{block}.conv2.conv.weight")[2]
            lengths.append(int(max(conv1, conv2) > 1))
            if f"{block}.conv3.conv.weight" in weights and conv2 > 1:
                style = "3x3x3"
        same = len(set(lengths)) == 1
        stages.append(lengths[0] if same else tuple(lengths))
    if any(isinstance(stage, tuple) for stage in stages):
        stages = [
            (stage,) * len(blocks) if isinstance(stage, int) else stage
            for stage, blocks in zip(stages, blocks_of(weights))
        ]
    return dict(inflate=tuple(stages), inflate_style=style)


def _resnet3d_args(weights: Mapping[str, Tensor]) -> dict:
    if any(".non_local_block." in key for key in weights):
        raise ValueError(
            "it has non-local blocks, whose pairwise function the weights do not tell: "
            "use the config it was trained with and init_cfg=dict(type='Pretrained')"
        )
    out_channels, _, *kernel = size_of(weights, STEM)
    args = dict(**_depth(weights), conv1_kernel=tuple(kernel), **_inflation(weights))
    return args if out_channels == 64 else dict(args, base_channels=out_channels)


def resnet3d(weights: Mapping[str, Tensor]) -> dict:
    args = _resnet3d_args(weights)
    # I3D-R50 halves time in its stem; "heavy" (all blocks inflated) does not
    stride = 1 if args["inflate"] == (1, 1, 1, 1) else 2
    return dict(
        type="ResNet3d",
        **args,
        conv1_stride_t=stride,
        pool1_stride_t=stride,
        pretrained2d=False,
    )


def slowonly(weights: Mapping[str, Tensor]) -> dict:
    return dict(type="ResNet3dSlowOnly", **_resnet3d_args(weights), pretrained2d=False)


def resnet2plus1d(weights: Mapping[str, Tensor]) -> dict:
    return dict(
        type="ResNet2Plus1d",
        **_depth(weights),
        pretrained2d=False,
        conv_cfg=dict(type="Conv2plus1d"),
        # the released SyncBN needs a GPU and has the same parameters
        norm_cfg=dict(type="BN3d", requires_grad=True, eps=1e-3),
        conv1_kernel=(3, 7, 7),
        inflate=(1, 1, 1, 1),
        spatial_strides=(1, 2, 2, 2),
        temporal_strides=(1, 2, 2, 2),
    )


def inflated_resnet(weights: Mapping[str, Tensor]) -> dict:
    args = _depth(weights)
    return dict(
        type="ResNet3d",
        **args,
        conv1_kernel=(5, 7, 7),
        conv1_stride_t=2,
        pool1_stride_t=2,
        inflate=_I3D_INFLATE if args["depth"] == 50 and len(args) == 1 else 1,
        pretrained2d=False,
    )
