"""EfficientNet-Lite: the image network on frames, and with kernels over time."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from checkpoints.sources.efficientnet_lite import EfficientNetLite
from checkpoints.sources.random_weights import random_clip, randomise, relative_error
from checkpoints.test_video_layouts import SAME, SEEN, build, classify, convert
from torch import nn

PARAMETERS = {0: 4_652_008, 1: 5_416_680, 2: 6_092_072}  # of the published files


@pytest.fixture(scope="module")
def source() -> nn.Module:
    return randomise(EfficientNetLite(), clip=(4, 3, 64, 80)).double()


def test_each_frame_is_an_image(source, tmp_path):
    path = tmp_path / "lite0.pth"
    with pytest.raises(ValueError, match="--inflate"):
        convert(source, path)
    conversion, ours = convert(source, path, inflate=True)
    assert conversion.layout.name == "efficientnet-lite0"
    assert conversion.backbone["arch"] == "efficientnet_lite0"
    assert not conversion.unmatched
    assert conversion.preprocessing == dict(
        modality="rgb", mean=[127.0] * 3, std=[128.0] * 3, channel_order="RGB"
    )
    for size in ((64, 64), (75, 90)):  # even and odd maps
        clip = random_clip(1, 3, 2, *size).double()
        with torch.no_grad():
            frames = clip.transpose(1, 2)[0]
            wanted = source.features(frames).transpose(0, 1)[None]
            got = ours(clip)
            assert relative_error(got, wanted) < SAME
            scores = classify(conversion, got.mean((3, 4))).transpose(1, 2)[0]
            assert relative_error(scores, source(frames)) < SAME
            for change in (dict(act_cfg=dict(type="ReLU")), dict(norm_cfg="eps")):
                if "norm_cfg" in change:
                    change = dict(norm_cfg=dict(type="BN3d", eps=1e-5))
                wrong = build(conversion, **change)(clip)
                assert relative_error(wrong, wanted) > SEEN, change


@pytest.mark.parametrize("inflated", ["last", "all"])
def test_a_still_video_is_its_frame(inflated, source, tmp_path):
    path = tmp_path / "lite0.pth"
    _, ours = convert(source, path, inflate=True, options=dict(inflated=inflated))
    over_time = [m for m in ours.modules() if getattr(m, "kernel_size", [1])[0] == 3]
    assert len(over_time) == dict(last=5, all=16)[inflated]
    for conv in over_time:  # as if time went on
        conv.padding = (0, 0, 0)
        conv.register_forward_pre_hook(
            lambda module, args: F.pad(args[0], (0, 0, 0, 0, 1, 1), mode="replicate")
        )
    image = random_clip(1, 3, 64, 64).double()
    with torch.no_grad():
        got = ours(image.unsqueeze(2).expand(-1, -1, 3, -1, -1))
        wanted = source.features(image).unsqueeze(2).expand_as(got)
    assert relative_error(got, wanted) < SAME


def test_flow_reads_the_mean_of_the_colours(source, tmp_path):
    conversion, ours = convert(source, tmp_path / "x.pth", inflate=True, in_channels=2)
    assert conversion.preprocessing == dict(modality="flow")
    grey = random_clip(1, 1, 1, 64, 64).double()
    stem = ours.stages[0].blocks[0].conv(grey.expand(-1, 2, -1, -1, -1))
    wanted = source._conv_stem(grey[:, :, 0].expand(-1, 3, -1, -1)) * 2 / 3
    torch.testing.assert_close(stem[:, :, 0], wanted)


def test_the_larger_ones_by_their_names(tmp_path):
    for number, count in PARAMETERS.items():
        source = EfficientNetLite(number)
        assert sum(one.numel() for one in source.parameters()) == count, number
        conversion, _ = convert(source, tmp_path / "lite.pth", inflate=True)
        assert conversion.layout.name == f"efficientnet-lite{number}"
        assert conversion.backbone["arch"] == f"efficientnet_lite{number}"
        assert not conversion.unmatched, number


def test_an_option_that_is_none(source, tmp_path):
    with pytest.raises(ValueError, match="inflated is 'some', must be one of none"):
        convert(source, tmp_path / "x.pth", options=dict(inflated="some"))
