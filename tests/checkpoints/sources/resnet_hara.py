"""ResNets as in github.com/kenshohara/3D-ResNets-PyTorch, and torchvision's 2D ones."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
CONVS = {2: nn.Conv2d, 3: nn.Conv3d}
NORMS = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}


class ZeroChannels(nn.Module):
    """Shortcut A: a pooling window of one position, then channels of zeros."""

    def __init__(self, c_out: int, stride: int) -> None:
        super().__init__()
        self.c_out, self.stride = c_out, stride

    def forward(self, x: Tensor) -> Tensor:
        x = F.avg_pool3d(x, kernel_size=1, stride=self.stride)
        zeros = x.new_zeros(x.shape[0], self.c_out - x.shape[1], *x.shape[2:])
        return torch.cat([x, zeros], 1)


class Block(nn.Module):
    """Two convolutions, or three in the deep ones."""

    def __init__(self, ndim, c_in, c_mid, stride, shortcut, *, deep, groups=1) -> None:
        super().__init__()
        conv, norm = CONVS[ndim], NORMS[ndim]
        c_out = 4 * c_mid if deep else c_mid
        kernels = (1, 3, 1) if deep else (3, 3)
        widths = [c_in, c_mid, c_mid, c_out] if deep else [c_in, c_mid, c_out]
        self.count = len(kernels)
        for n, kernel in enumerate(kernels, start=1):
            layer = conv(
                widths[n - 1],
                widths[n],
                kernel,
                stride if n == (2 if deep else 1) else 1,
                kernel // 2,
                groups=groups if deep and n == 2 else 1,
                bias=False,
            )
            self.add_module(f"conv{n}", layer)
            self.add_module(f"bn{n}", norm(widths[n]))
        self.downsample = None
        if stride != 1 or c_in != c_out:
            self.downsample = (
                ZeroChannels(c_out, stride)
                if shortcut == "A"
                else nn.Sequential(
                    conv(c_in, c_out, 1, stride, bias=False), norm(c_out)
                )
            )

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for n in range(1, self.count + 1):
            y = getattr(self, f"bn{n}")(getattr(self, f"conv{n}")(y))
            if n < self.count:
                y = y.relu()
        return (y + (x if self.downsample is None else self.downsample(x))).relu()


class HaraResNet(nn.Module):
    """
    Args:
        depth: A key of ``DEPTHS``.
        ndim: 3, or 2 for torchvision's ResNet on images.
        shortcut: ``A`` or ``B``.
        width: Of the stem; 64 except in the wide ones.
        conv1_t_stride, no_max_pool: Options of the project that its weights do not
            show.
        groups: Of the middle convolutions; 1 except in ResNeXt.
    """

    def __init__(
        self,
        depth,
        *,
        ndim=3,
        shortcut="B",
        num_classes=400,
        in_channels=3,
        width=64,
        groups=1,
        conv1_t_stride=1,
        no_max_pool=False,
    ) -> None:
        super().__init__()
        conv, norm = CONVS[ndim], NORMS[ndim]
        deep = depth >= 50
        stride = (conv1_t_stride, 2, 2)[3 - ndim :]
        self.conv1 = conv(in_channels, width, 7, stride, 3, bias=False)
        self.bn1 = norm(width)
        self.maxpool = (nn.MaxPool3d if ndim == 3 else nn.MaxPool2d)(3, 2, 1)
        if no_max_pool:
            self.maxpool = nn.Identity()
        c_in = width
        for index, count in enumerate(DEPTHS[depth]):
            c_mid = width * 2**index
            blocks = []
            for number in range(count):
                step = 2 if index and not number else 1
                blocks.append(
                    Block(ndim, c_in, c_mid, step, shortcut, deep=deep, groups=groups)
                )
                c_in = 4 * c_mid if deep else c_mid
            self.add_module(f"layer{index + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(c_in, num_classes)

    def features(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.bn1(self.conv1(x)).relu())
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        return x

    @staticmethod
    def pool(x: Tensor) -> Tensor:
        return x.flatten(2).mean(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.pool(self.features(x)))
