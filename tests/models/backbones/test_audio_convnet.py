from __future__ import annotations

import pytest
import torch
from helpers_culprits import for_each

from mmstconv.models import AudioConvNet

POOL = dict(mode="max", size=2)


@for_each("batch", [1, 2])
@for_each("norm_cfg", [None, dict(type="BN1d")])
@for_each("pool, steps", [(None, 20), (POOL, 10)])
def test_log_mel(batch, norm_cfg, pool, steps):
    net = AudioConvNet(
        16, [dict(channels=8, num_blocks=2, pool=pool)], norm_cfg=norm_cfg
    )
    y = net(torch.randn(batch, 16, 20))
    assert y.shape == (batch, net.out_channels, steps)
    y.square().sum().backward()
    for name, parameter in net.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name


def test_raw_waveform():
    net = AudioConvNet(
        1,
        [dict(channels=8, kernel_size=80, stride=16, padding=32), dict(channels=4)],
    )
    assert net(torch.randn(1, 1, 1600)).shape == (1, 4, 100)


def test_kernel_of_one_without_pooling_sees_single_steps():
    net = AudioConvNet(3, [dict(channels=4, kernel_size=1)] * 2).eval()
    x = torch.randn(1, 3, 6)
    order = torch.randperm(6)
    assert torch.allclose(net(x[..., order]), net(x)[..., order], atol=1e-6)


def test_norm_eval_keeps_statistics():
    net = AudioConvNet(3, [dict(channels=4)], norm_eval=True).train()
    net(torch.randn(2, 3, 8) + 5)
    assert torch.equal(net.stages[0].blocks[0].bn.running_mean, torch.zeros(4))


@pytest.mark.parametrize("shape", [(1, 2, 8), (1, 1, 3, 8)])
def test_wrong_input_names_expected_and_got(shape):
    with pytest.raises(ValueError) as error:
        AudioConvNet(3, [dict(channels=4)])(torch.rand(shape))
    assert "(N, 3, L)" in str(error.value)
    assert str(shape) in str(error.value)


def test_sound_too_short_for_the_pooling():
    net = AudioConvNet(3, [dict(channels=4, pool=dict(mode="avg", size=9))])
    with pytest.raises(ValueError, match=r"audio pooling.*leaves nothing"):
        net(torch.rand(1, 3, 8))


def test_wrong_stages():
    with pytest.raises(ValueError, match=r"AudioConvNet: stages\[0\].*temporal_pool"):
        AudioConvNet(3, [dict(channels=4, temporal_pool=POOL)])
