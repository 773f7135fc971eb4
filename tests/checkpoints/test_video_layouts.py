"""Video layouts against statements of the source networks, through saved files."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from checkpoints.sources import c3d
from checkpoints.sources.i3d_hassony import HassonyI3D
from checkpoints.sources.random_weights import random_clip, randomise, relative_error
from checkpoints.sources.resnet_hara import HaraResNet
from checkpoints.sources.video_cases import CASES
from mmaction.registry import MODELS
from torch import nn

from mmstconv.checkpoints.doctor import convert_checkpoint

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
