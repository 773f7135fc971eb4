"""I3D as in github.com/hassony2/kinetics_i3d_pytorch and its copy in
github.com/v-iashin/video_features: padding of fixed width; BN eps 1e-3 in the one
since 2019, as in TensorFlow, and 1e-5 in the other."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .i3d_piergiaj import MIXED


class FixedPad(nn.Module):
    """``kernel - stride`` zeros an axis, the larger half behind, whatever the length.

    hassony2's version of 2019 minds the length of time (``dynamic_time``), not that of
    height and width.
    """

    def __init__(self, kernel: tuple, stride: tuple, dynamic_time: bool) -> None:
        super().__init__()
        self.kernel, self.stride, self.dynamic_time = kernel, stride, dynamic_time

    def forward(self, x: Tensor) -> Tensor:
        totals = [max(k - s, 0) for k, s in zip(self.kernel, self.stride)]
        rest = x.shape[2] % self.stride[0]
        if self.dynamic_time and rest:
            totals[0] = max(self.kernel[0] - rest, 0)
        (t0, t1), (h0, h1), (w0, w1) = ((n // 2, n - n // 2) for n in totals)
        return F.pad(x, (w0, w1, h0, h1, t0, t1))


class Unit(nn.Module):
    def __init__(self, c_in, c_out, k=1, s=1, *, dynamic_time, eps, classifier=False):
        super().__init__()
        self.pad = FixedPad((k,) * 3, (s,) * 3, dynamic_time)
        self.conv3d = nn.Conv3d(c_in, c_out, k, s, bias=classifier)
        self.batch3d = nn.Identity() if classifier else nn.BatchNorm3d(c_out, eps)
        self.last = classifier

    def forward(self, x: Tensor) -> Tensor:
        x = self.batch3d(self.conv3d(self.pad(x)))
        return x if self.last else x.relu()


def pool(kernel: tuple, stride: tuple, dynamic_time: bool) -> nn.Module:
    """Windows that begin inside count, though they end outside."""
    return nn.Sequential(
        FixedPad(kernel, stride, dynamic_time),
        nn.MaxPool3d(kernel, stride, ceil_mode=True),
    )


class Mixed(nn.Module):
    def __init__(self, c_in: int, b0, b1a, b1b, b2a, b2b, b3b, **kwargs) -> None:
        super().__init__()
        self.branch_0 = Unit(c_in, b0, **kwargs)
        self.branch_1 = nn.Sequential(
            Unit(c_in, b1a, **kwargs), Unit(b1a, b1b, 3, **kwargs)
        )
        self.branch_2 = nn.Sequential(
            Unit(c_in, b2a, **kwargs), Unit(b2a, b2b, 3, **kwargs)
        )
        self.branch_3 = nn.Sequential(
            pool((3, 3, 3), (1, 1, 1), kwargs["dynamic_time"]),
            Unit(c_in, b3b, **kwargs),
        )

    def forward(self, x: Tensor) -> Tensor:
        parts = (self.branch_0, self.branch_1, self.branch_2, self.branch_3)
        return torch.cat([part(x) for part in parts], 1)


class HassonyI3D(nn.Module):
    """The final window is (2, 7, 7) of 224 pixels; here all rows and columns."""

    def __init__(
        self, in_channels=3, num_classes=400, *, dynamic_time=False, eps=1e-3
    ) -> None:
        super().__init__()
        how = dict(dynamic_time=dynamic_time, eps=eps)
        self.conv3d_1a_7x7 = Unit(in_channels, 64, 7, 2, **how)
        self.maxPool3d_2a_3x3 = pool((1, 3, 3), (1, 2, 2), dynamic_time)
        self.conv3d_2b_1x1 = Unit(64, 64, **how)
        self.conv3d_2c_3x3 = Unit(64, 192, 3, **how)
        self.maxPool3d_3a_3x3 = pool((1, 3, 3), (1, 2, 2), dynamic_time)
        for name, channels in MIXED.items():
            if name == "4b":
                self.maxPool3d_4a_3x3 = pool((3, 3, 3), (2, 2, 2), dynamic_time)
            if name == "5b":
                self.maxPool3d_5a_2x2 = pool((2, 2, 2), (2, 2, 2), dynamic_time)
            self.add_module(f"mixed_{name}", Mixed(*channels, **how))
        self.conv3d_0c_1x1 = Unit(1024, num_classes, classifier=True, **how)

    def features(self, x: Tensor) -> Tensor:
        for name, module in self.named_children():
            if name != "conv3d_0c_1x1":
                x = module(x)
        return x

    @staticmethod
    def pool(x: Tensor) -> Tensor:
        return F.avg_pool3d(x, (2, *x.shape[3:]), stride=1)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores: (N, classes)."""
        return self.conv3d_0c_1x1(self.pool(self.features(x))).flatten(2).mean(2)
