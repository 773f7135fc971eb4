"""Inflation and channel adaptation by the properties that define them."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from mmstconv.checkpoints.adapt import adapt_input, inflate

KERNELS = (3, 1, 5, 3)  # over time


def flat_net() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 6, 7, stride=2, padding=3, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
        nn.Conv2d(6, 8, 1),
        nn.ReLU(),
        nn.Conv2d(8, 8, (3, 5), padding=(1, 2), groups=2),
        nn.AvgPool2d(2),
        nn.Conv2d(8, 5, 3, stride=2),
    )


def deep_net() -> nn.Sequential:
    t1, t2, t3, t4 = KERNELS
    return nn.Sequential(
        nn.Conv3d(3, 6, (t1, 7, 7), (1, 2, 2), (t1 // 2, 3, 3), bias=False),
        nn.BatchNorm3d(6),
        nn.ReLU(),
        nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
        nn.Conv3d(6, 8, (t2, 1, 1)),
        nn.ReLU(),
        nn.Conv3d(8, 8, (t3, 3, 5), padding=(t3 // 2, 1, 2), groups=2),
        nn.AvgPool3d((1, 2, 2)),
        nn.Conv3d(8, 5, (t4, 3, 3), (1, 2, 2), (t4 // 2, 0, 0)),
    )


def randomise(net: nn.Module) -> nn.Module:
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.5)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return net.double().eval()


def test_an_inflated_network_sees_a_still_video_as_the_flat_one_sees_its_frame():
    torch.manual_seed(0)
    flat, deep = randomise(flat_net()), deep_net().double().eval()
    shapes = {key: value.shape for key, value in deep.state_dict().items()}
    deep.load_state_dict(
        {
            key: inflate(value, shapes[key][2]) if value.dim() == 4 else value
            for key, value in flat.state_dict().items()
        }
    )
    image, steps = torch.randn(2, 3, 41, 50, dtype=torch.float64), 12
    video = image.unsqueeze(2).repeat(1, 1, steps, 1, 1)
    with torch.no_grad():
        expected, found = flat(image), deep(video)
    reach = sum(length // 2 for length in KERNELS)  # of the zeros around the video
    assert found.shape[2] == steps > 2 * reach
    for step in range(reach, steps - reach):
        torch.testing.assert_close(found[:, :, step], expected, rtol=1e-10, atol=1e-10)
    # the padding is felt where it reaches, so the comparison can fail
    assert (found[:, :, 0] - expected).abs().max() > 1e-3


def test_inflation_keeps_the_sum_over_time_and_is_even():
    weight = torch.randn(4, 3, 5, 2, dtype=torch.float64)
    for length in (1, 2, 7):
        inflated = inflate(weight, length)
        assert inflated.shape == (4, 3, length, 5, 2)
        torch.testing.assert_close(inflated.sum(2), weight)
        assert torch.equal(inflated[:, :, 0], inflated[:, :, -1])


def test_every_new_channel_answers_as_the_mean_of_the_old_ones():
    for dims, channels in itertools.product([1, 2, 3], [1, 2, 3, 10]):
        check_adapted(dims, channels)


def check_adapted(dims: int, channels: int) -> None:
    """A failure shows both, as arguments of this function."""
    weight = torch.randn(6, 3, *[3] * dims, dtype=torch.float64)
    adapted = adapt_input(weight, channels)
    assert adapted.shape == (6, channels, *[3] * dims)
    conv = [nn.functional.conv1d, nn.functional.conv2d, nn.functional.conv3d][dims - 1]
    same = torch.randn(1, 1, *[8] * dims, dtype=torch.float64)

    def equal_inputs(count):
        return same.repeat(1, count, *[1] * dims)

    old = conv(equal_inputs(3), weight)
    new = conv(equal_inputs(channels), adapted)
    torch.testing.assert_close(new, old * channels / 3)
    # the order of the new channels does not matter, that of the old ones did
    uneven = torch.randn(1, channels, *[8] * dims, dtype=torch.float64)
    torch.testing.assert_close(conv(uneven.flip(1), adapted), conv(uneven, adapted))


def test_the_source_is_left_as_it_is():
    weight = torch.randn(2, 3, 3, 3)
    before = weight.clone()
    inflate(weight, 3).zero_()
    adapt_input(weight, 2).zero_()
    assert torch.equal(weight, before)


def test_what_cannot_be_adapted():
    with pytest.raises(ValueError, match=r"2D kernel .* got \(2, 3, 3\)"):
        inflate(torch.ones(2, 3, 3), 3)
    with pytest.raises(ValueError, match="length must be at least 1, got 0"):
        inflate(torch.ones(2, 3, 3, 3), 0)
    with pytest.raises(ValueError, match=r"kernel .* got \(2, 3\)"):
        adapt_input(torch.ones(2, 3), 2)
    with pytest.raises(ValueError, match="positive, got 0"):
        adapt_input(torch.ones(2, 3, 3), 0)
