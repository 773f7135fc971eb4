"""I3D as in github.com/piergiaj/pytorch-i3d: TensorFlow's padding, BN eps 1e-3."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def pad_same(x: Tensor, kernel: tuple, stride: tuple) -> Tensor:
    """Zeros around ``x``, so that as many windows fit as strides begin in it."""
    sides: list[int] = []
    for length, k, s in zip(x.shape[2:], kernel, stride):
        total = max(k - (length % s or s), 0)
        sides = [math.floor(total / 2), math.ceil(total / 2), *sides]
    return F.pad(x, sides)


class Pool(nn.Module):
    def __init__(self, kernel: tuple, stride: tuple) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        x = pad_same(x, self.kernel, self.stride)
        return F.max_pool3d(x, self.kernel, self.stride)


class Unit(nn.Module):
    def __init__(self, c_in, c_out, k=1, s=1, *, eps=1e-3, classifier=False) -> None:
        super().__init__()
        self.kernel, self.stride = (k,) * 3, (s,) * 3
        self.conv3d = nn.Conv3d(c_in, c_out, k, s, bias=classifier)
        if not classifier:
            self.bn = nn.BatchNorm3d(c_out, eps=eps, track_running_stats=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv3d(pad_same(x, self.kernel, self.stride))
        return self.bn(x).relu() if hasattr(self, "bn") else x


class Mixed(nn.Module):
    def __init__(self, c_in: int, b0, b1a, b1b, b2a, b2b, b3b) -> None:
        super().__init__()
        self.b0 = Unit(c_in, b0)
        self.b1a, self.b1b = Unit(c_in, b1a), Unit(b1a, b1b, 3)
        self.b2a, self.b2b = Unit(c_in, b2a), Unit(b2a, b2b, 3)
        self.b3a, self.b3b = Pool((3, 3, 3), (1, 1, 1)), Unit(c_in, b3b)

    def forward(self, x: Tensor) -> Tensor:
        parts = (
            self.b0(x),
            self.b1b(self.b1a(x)),
            self.b2b(self.b2a(x)),
            self.b3b(self.b3a(x)),
        )
        return torch.cat(parts, 1)


# In the order of evaluation; pooling layers have no weights.
MIXED = {
    "3b": (192, 64, 96, 128, 16, 32, 32),
    "3c": (256, 128, 128, 192, 32, 96, 64),
    "4b": (480, 192, 96, 208, 16, 48, 64),
    "4c": (512, 160, 112, 224, 24, 64, 64),
    "4d": (512, 128, 128, 256, 24, 64, 64),
    "4e": (512, 112, 144, 288, 32, 64, 64),
    "4f": (528, 256, 160, 320, 32, 128, 128),
    "5b": (832, 256, 160, 320, 32, 128, 128),
    "5c": (832, 384, 192, 384, 48, 128, 128),
}


class PiergiajI3D(nn.Module):
    """The final pooling's window is (2, 7, 7), which is all rows and columns of the
    clips of 224 pixels that the source takes; here it is all of them at any size."""

    def __init__(self, in_channels: int = 3, num_classes: int = 400) -> None:
        super().__init__()
        half = (2, 2, 2)
        self.add_module("Conv3d_1a_7x7", Unit(in_channels, 64, 7, 2))
        self.add_module("MaxPool3d_2a_3x3", Pool((1, 3, 3), (1, 2, 2)))
        self.add_module("Conv3d_2b_1x1", Unit(64, 64))
        self.add_module("Conv3d_2c_3x3", Unit(64, 192, 3))
        self.add_module("MaxPool3d_3a_3x3", Pool((1, 3, 3), (1, 2, 2)))
        for name, channels in MIXED.items():
            if name == "4b":
                self.add_module("MaxPool3d_4a_3x3", Pool((3, 3, 3), half))
            if name == "5b":
                self.add_module("MaxPool3d_5a_2x2", Pool(half, half))
            self.add_module(f"Mixed_{name}", Mixed(*channels))
        self.logits = Unit(1024, num_classes, classifier=True)

    def features(self, x: Tensor) -> Tensor:
        for name, module in self.named_children():
            if name != "logits":
                x = module(x)
        return x

    @staticmethod
    def pool(x: Tensor) -> Tensor:
        return F.avg_pool3d(x, (2, *x.shape[3:]), stride=1)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of each pair of time steps: (N, classes, T' - 1)."""
        return self.logits(self.pool(self.features(x))).flatten(2)
