"""S3D as in github.com/kylemin/S3D and in torchvision: the same network, other keys."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .i3d_piergiaj import MIXED


def norm(channels: int) -> nn.BatchNorm3d:
    return nn.BatchNorm3d(channels, eps=1e-3)


class NamedBasic(nn.Module):
    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv3d(c_in, c_out, 1, bias=False), norm(c_out)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x)).relu()


class NamedSeparable(nn.Module):
    def __init__(self, c_in: int, c_out: int, k: int = 3, s: int = 1) -> None:
        super().__init__()
        p = k // 2
        self.conv_s = nn.Conv3d(
            c_in, c_out, (1, k, k), (1, s, s), (0, p, p), bias=False
        )
        self.bn_s = norm(c_out)
        self.conv_t = nn.Conv3d(
            c_out, c_out, (k, 1, 1), (s, 1, 1), (p, 0, 0), bias=False
        )
        self.bn_t = norm(c_out)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn_s(self.conv_s(x)).relu()
        return self.bn_t(self.conv_t(x)).relu()


def numbered(c_in: int, c_out: int, kernel, stride=1, padding=0) -> nn.Sequential:
    conv = nn.Conv3d(c_in, c_out, kernel, stride, padding, bias=False)
    return nn.Sequential(conv, norm(c_out), nn.ReLU())


def numbered_separable(c_in: int, c_out: int, k: int = 3, s: int = 1):
    p = k // 2
    return nn.Sequential(
        numbered(c_in, c_out, (1, k, k), (1, s, s), (0, p, p)),
        numbered(c_out, c_out, (k, 1, 1), (s, 1, 1), (p, 0, 0)),
    )


class Mixed(nn.Module):
    def __init__(self, c_in, b0, b1a, b1b, b2a, b2b, b3b, *, named: bool) -> None:
        super().__init__()
        separable = NamedSeparable if named else numbered_separable

        def basic(c_in: int, c_out: int) -> nn.Module:
            return NamedBasic(c_in, c_out) if named else numbered(c_in, c_out, 1)

        self.branch0 = basic(c_in, b0)
        if named:  # one deeper
            self.branch0 = nn.Sequential(self.branch0)
        self.branch1 = nn.Sequential(basic(c_in, b1a), separable(b1a, b1b))
        self.branch2 = nn.Sequential(basic(c_in, b2a), separable(b2a, b2b))
        self.branch3 = nn.Sequential(nn.MaxPool3d(3, 1, 1), basic(c_in, b3b))

    def forward(self, x: Tensor) -> Tensor:
        branches = (self.branch0, self.branch1, self.branch2, self.branch3)
        return torch.cat([branch(x) for branch in branches], 1)


def trunk(named: bool) -> nn.Sequential:
    separable = NamedSeparable if named else numbered_separable
    mixed = [Mixed(*channels, named=named) for channels in MIXED.values()]
    flat = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))
    return nn.Sequential(
        separable(3, 64, 7, 2),
        flat,
        NamedBasic(64, 64) if named else numbered(64, 64, 1),
        separable(64, 192),
        flat,
        *mixed[:2],
        nn.MaxPool3d(3, 2, 1),
        *mixed[2:7],
        nn.MaxPool3d(2, 2),
        *mixed[7:],
    )


class KyleminS3D(nn.Module):
    def __init__(self, num_classes: int = 400) -> None:
        super().__init__()
        self.base = trunk(named=True)
        self.fc = nn.Sequential(nn.Conv3d(1024, num_classes, 1))

    def features(self, x: Tensor) -> Tensor:
        return self.base(x)

    @staticmethod
    def pool(x: Tensor) -> Tensor:
        return F.avg_pool3d(x, (2, *x.shape[3:]), stride=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.pool(self.features(x))).flatten(2).mean(2)


class TorchvisionS3D(nn.Module):
    """Its final window is (2, 7, 7): smaller clips than 224 pixels have no scores."""

    def __init__(self, num_classes: int = 400) -> None:
        super().__init__()
        self.features = trunk(named=False)
        self.classifier = nn.Sequential(nn.Dropout(), nn.Conv3d(1024, num_classes, 1))

    @staticmethod
    def pool(x: Tensor) -> Tensor:
        return F.avg_pool3d(x, (2, 7, 7), stride=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.pool(self.features(x))).mean((2, 3, 4))
