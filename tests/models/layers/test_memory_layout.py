from __future__ import annotations

import copy

import pytest
import torch
from mmaction.registry import MODELS
from torch import nn

import mmstconv.models  # noqa: F401
from mmstconv.models.layers import conv_block
from mmstconv.models.layers.memory_layout import lay_out

LAST = torch.channels_last_3d


def test_the_larger_of_map_and_weights_decides():
    x = torch.rand(2, 8, 4, 6, 6)
    small, large = nn.Conv3d(8, 4, 1), nn.Conv3d(8, 64, 3)
    assert small.weight.numel() < x.numel() < large.weight.numel()
    assert lay_out(x, small).is_contiguous(memory_format=LAST)
    assert lay_out(x.to(memory_format=LAST), large).is_contiguous()
    for conv in (small, large):
        assert torch.equal(lay_out(x, conv), x)


def test_other_devices_and_sound_stay_as_they_are():
    meta = torch.empty(2, 8, 4, 6, 6, device="meta")
    sound = torch.rand(2, 8, 40)
    assert lay_out(meta, nn.Conv3d(8, 4, 1)) is meta
    assert lay_out(sound, nn.Conv1d(8, 4, 1)) is sound


def far_from(found: torch.Tensor, truth: torch.Tensor) -> float:
    return ((found - truth).norm() / truth.norm().clamp(min=1e-6)).item()


def run(net: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    """Output, gradients and buffers of one step."""
    out = net(x)
    out.square().mean().backward()
    return [out, *(one.grad for one in net.parameters()), *net.buffers()]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("arch", ["lite_half", "r2plus1d_18", "i3d"])
def test_no_further_from_double_than_channels_first(arch, training, monkeypatch):
    """Rounding adds up over the layers: beyond 1e-5, both layouts do it alike."""
    torch.manual_seed(0)
    net = MODELS.build(dict(type="STConvNet", arch=arch, num_stages=3)).train(training)
    plain, double = copy.deepcopy(net), copy.deepcopy(net).double()
    x = torch.rand(2, 3, 8, 48, 48)
    laid = []
    monkeypatch.setattr(
        conv_block, "lay_out", lambda x, conv: laid.append(lay_out(x, conv)) or laid[-1]
    )
    found = run(net, x)
    assert any(one.is_contiguous(memory_format=LAST) for one in laid)
    monkeypatch.setattr(conv_block, "lay_out", lambda x, conv: x)
    for ours, first, truth in zip(found, run(plain, x), run(double, x.double())):
        assert far_from(ours, truth) < max(1e-5, 2 * far_from(first, truth))
