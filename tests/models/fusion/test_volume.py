from __future__ import annotations

import pytest
import torch

from mmstconv.models import Conv3dFusion

WIDTHS = {"rgb": 2, "flow": 2, "audio": 3}


def trunk(**stage):
    stage = dict(dict(channels=5, kernel_size=1), **stage)
    return dict(type="STConvNet", stages=[stage], norm_cfg=None, act_cfg=None)


def maps(steps=4):
    return {
        "rgb": torch.randn(2, 2, steps, 4, 4),
        "flow": torch.randn(2, 2, steps, 2, 2),
        "audio": torch.randn(2, 3, 2 * steps),
    }


def test_alignment():
    """With a 1x1x1 trunk the result can be said by hand."""
    fusion, x = Conv3dFusion(WIDTHS, trunk=trunk()), maps()
    y = fusion(x)
    audio = x["audio"].reshape(2, 3, 4, 2).mean(-1)  # pairs of steps
    flow, rgb = x["flow"].mean((-1, -2)), x["rgb"].mean((-1, -2))
    (weight, bias) = fusion.trunk.parameters()
    stacked = torch.cat([audio, flow, rgb], dim=1)  # the mean over space is linear
    expected = torch.einsum("oc,nct->nto", weight[:, :, 0, 0, 0], stacked) + bias
    torch.testing.assert_close(y, expected)


def test_flow_is_repeated_over_the_finer_grid():
    """A 3D max pooling sees which corner of the flow goes with which of RGB."""
    pool = dict(spatial_pool=dict(mode="max", size=2))
    fusion = Conv3dFusion({"rgb": 2, "flow": 2}, trunk=trunk(**pool))
    x = {name: maps()[name] for name in ("rgb", "flow")}
    repeated = x["flow"].repeat_interleave(2, -1).repeat_interleave(2, -2)
    torch.testing.assert_close(fusion(x), fusion(dict(x, flow=repeated)))


def test_the_map_of_an_idle_stream_decides_nothing():
    fusion, x = Conv3dFusion(WIDTHS, trunk=trunk(kernel_size=3)), maps()
    nobody = {"flow": torch.tensor([False, False])}
    point = dict(x, flow=torch.full((2, 2, 1, 1, 1), torch.nan))
    torch.testing.assert_close(fusion(point, nobody), fusion(x, nobody))


def test_grid():
    fusion = Conv3dFusion(WIDTHS, trunk=trunk(kernel_size=3), grid=(2, 3, 3))
    y = fusion(maps())
    assert y.shape == (2, 2, 5)
    sound = Conv3dFusion({"audio": 3}, trunk=trunk(), grid=(2, 1, 1))
    assert sound({"audio": torch.randn(2, 3, 8)}).shape == (2, 2, 5)


def test_3d_pooling_shortens_time():
    pool = dict(temporal_pool=dict(mode="max", size=2))
    fusion = Conv3dFusion(WIDTHS, trunk=trunk(**pool))
    assert fusion(maps()).shape == (2, 2, 5)
    assert fusion.out_channels == 5


def test_errors():
    with pytest.raises(ValueError, match=r"grid must be \(T, H, W\), got \(2, 2\)"):
        Conv3dFusion(WIDTHS, trunk=trunk(), grid=(2, 2))
    fusion = Conv3dFusion(WIDTHS, trunk=trunk())
    with pytest.raises(ValueError, match=r"expected maps \(N, 2, T, H, W\)"):
        fusion(dict(maps(), rgb=torch.randn(2, 4, 4, 2)))
    fusion = Conv3dFusion({"audio": 3}, trunk=trunk())
    with pytest.raises(ValueError, match=r"grid=.*must be given"):
        fusion({"audio": torch.randn(2, 3, 8)})
