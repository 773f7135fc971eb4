"""MMAction2's own recognizers, whose weights are named ``backbone.…``.

Strides and the eps of norms are not in the weights; where they matter, the values of
the released configs (mmaction2 1.2.0, ``configs/recognition``) are taken.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ..layout import Layout
from ._mmaction2_resnets import (
    STEM,
    blocks_of,
    inflated_resnet,
    is_resnet2d,
    is_resnet3d,
    is_slowonly,
    resnet2plus1d,
    resnet3d,
    size_of,
    slowonly,
)

SOURCE = "https://github.com/open-mmlab/mmaction2"

# of ImageNet, on RGB frames: every config but C3D's, X3D's and those of flow
_IMAGENET = dict(
    modality="rgb",
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    channel_order="RGB",
)


def _kept(key: str) -> str | None:
    return key if key.startswith(("backbone.", "cls_head.")) else None


def _x3d(weights: Mapping[str, Tensor]) -> dict:
    width = size_of(weights, "backbone.conv1_s.conv.weight")[0]
    wide, narrow = size_of(weights, "backbone.conv5.conv.weight")[:2]
    stages = blocks_of(weights)
    has_se = [
        any(key.startswith(f"{block}.se_module.") for key in weights)
        for block in stages[0][:2]
    ]
    return dict(
        type="X3D",
        gamma_w=width / 24,
        gamma_b=wide / narrow,
        # depths are those of X3D's base network times gamma_d, rounded up
        gamma_d=min(len(stage) / base for stage, base in zip(stages, (1, 2, 5, 3))),
        se_style="all" if all(has_se) else "half",
        **({} if any(has_se) else dict(se_ratio=None)),
    )


_C3D = {
    name: f"backbone.stages.{stage}.blocks.{block}.conv"
    for name, stage, block in (
        ("conv1a.conv", 0, 0),
        ("conv2a.conv", 1, 0),
        ("conv3a.conv", 2, 0),
        ("conv3b.conv", 2, 1),
        ("conv4a.conv", 3, 0),
        ("conv4b.conv", 3, 1),
        ("conv5a.conv", 4, 0),
        ("conv5b.conv", 4, 1),
        ("fc6", 5, 0),
        ("fc7", 6, 0),
    )
}
_C3D_KERNELS = {
    _C3D["fc6"] + ".weight": (4096, 512, 1, 4, 4),
    _C3D["fc7"] + ".weight": (4096, 4096, 1, 1, 1),
}


def _is_c3d(weights: Mapping[str, Tensor]) -> bool:
    # the Sports-1M file that the config starts from is a bare backbone
    return any(
        f"{prefix}conv1a.conv.weight" in weights and f"{prefix}fc6.weight" in weights
        for prefix in ("backbone.", "")
    )


def _rename_c3d(key: str) -> str | None:
    name, _, what = key.removeprefix("backbone.").rpartition(".")
    if name in _C3D:
        return f"{_C3D[name]}.{what}"
    return key if key.startswith("cls_head.") else None


def _reshape_c3d(key: str, value: Tensor) -> Tensor:
    kernel = _C3D_KERNELS.get(key)
    if kernel is None or value.numel() != kernel[0] * kernel[1] * kernel[3] * kernel[4]:
        return value
    return value.reshape(kernel)


def _rgb_or_flow(weights: Mapping[str, Tensor]) -> dict:
    channels = size_of(weights, STEM)[1]
    if channels == 3:
        return dict(_IMAGENET)
    if channels == 2:
        # 128 and 128 on flow stored in a byte over +-20 pixels
        return dict(modality="flow", mean=[0.0] * 2, std=[20.0] * 2, bound=20.0)
    return {}


LAYOUTS: tuple[Layout, ...] = (
    Layout(
        name="mmaction2-c3d",
        source=SOURCE,
        recognise=_is_c3d,
        backbone=lambda weights: dict(type="STConvNet", arch="c3d"),
        rename=_rename_c3d,
        reshape=_reshape_c3d,
        preprocessing=lambda weights: dict(
            modality="rgb",
            mean=[104.0, 117.0, 128.0],
            std=[1.0, 1.0, 1.0],
            channel_order="RGB",
            clip=[16, 112, 112],
        ),
        notes="fc6 and fc7 are convolutions here: the same numbers for clips of "
        "16 x 112 x 112, and one feature per position for larger ones.",
    ),
    Layout(
        name="mmaction2-x3d",
        source=SOURCE,
        recognise=lambda weights: (
            "backbone.conv1_s.conv.weight" in weights
            and "backbone.conv5.conv.weight" in weights
        ),
        backbone=_x3d,
        rename=_kept,
        preprocessing=lambda weights: dict(
            modality="rgb", mean=[114.75] * 3, std=[57.38] * 3, channel_order="RGB"
        ),
        notes="X3D-S (13 x 160 x 160) and X3D-M (16 x 224 x 224) have the same shapes; "
        "the head is X3DHead's fc1 and fc2.",
    ),
    Layout(
        name="mmaction2-resnet2plus1d",
        source=SOURCE,
        recognise=lambda weights: (
            "backbone.conv1.conv.conv_s.weight" in weights
            and "backbone.layer4.0.conv1.conv.conv_s.weight" in weights
        ),
        backbone=resnet2plus1d,
        rename=_kept,
        preprocessing=lambda weights: dict(_IMAGENET),
        notes="Strides and eps=1e-3 are those of the released R(2+1)D-34; the weights "
        "do not tell them.",
    ),
    Layout(
        name="mmaction2-slowonly",
        source=SOURCE,
        recognise=is_slowonly,
        backbone=slowonly,
        rename=_kept,
        preprocessing=_rgb_or_flow,
        notes="Strides (1 over time everywhere) are those of the released SlowOnly; "
        "the weights do not tell them.",
    ),
    Layout(
        name="mmaction2-resnet3d",
        source=SOURCE,
        recognise=is_resnet3d,
        backbone=resnet3d,
        rename=_kept,
        preprocessing=lambda weights: dict(_rgb_or_flow(weights), clip=[32, 224, 224]),
        notes="Strides over time are those of the released I3D-R50 (2 in conv1, pool1 "
        "and pool2), or of its 'heavy' form if all blocks are inflated (2 in pool2 "
        "only); the weights do not tell them.",
    ),
    Layout(
        name="mmaction2-resnet-2d",
        source=SOURCE,
        recognise=is_resnet2d,
        backbone=inflated_resnet,
        rename=_kept,
        preprocessing=_rgb_or_flow,
        notes="A 2D network (TSN), for inflation into the shape of I3D-R50; other "
        "depths than 50 have all blocks inflated.",
    ),
)
