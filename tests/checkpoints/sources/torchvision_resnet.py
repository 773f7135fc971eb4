"""torchvision's video ResNets, and their use in moabitcoin/ig65m-pytorch."""

from __future__ import annotations

from torch import Tensor, nn


def conv(c_in, c_out, kernel, stride=1) -> nn.Conv3d:
    padding = tuple(size // 2 for size in kernel)
    return nn.Conv3d(c_in, c_out, kernel, stride, padding, bias=False)


def whole(c_in: int, c_out: int, mid: int, stride: int = 1) -> nn.Module:
    return conv(c_in, c_out, (3, 3, 3), stride)


def flat(c_in: int, c_out: int, mid: int, stride: int = 1) -> nn.Module:
    return conv(c_in, c_out, (1, 3, 3), (1, stride, stride))


def split(c_in: int, c_out: int, mid: int, stride: int = 1) -> nn.Module:
    return nn.Sequential(
        conv(c_in, mid, (1, 3, 3), (1, stride, stride)),
        nn.BatchNorm3d(mid),
        nn.ReLU(),
        conv(mid, c_out, (3, 1, 1), (stride, 1, 1)),
    )


class Block(nn.Module):
    def __init__(self, c_in, c_out, make, stride, *, own_middle: bool) -> None:
        super().__init__()

        def middle(c_in: int) -> int:
            return 27 * c_in * c_out // (9 * c_in + 3 * c_out)

        first = middle(c_in)
        second = middle(c_out) if own_middle else first
        self.conv1 = nn.Sequential(
            make(c_in, c_out, first, stride), nn.BatchNorm3d(c_out), nn.ReLU()
        )
        self.conv2 = nn.Sequential(make(c_out, c_out, second), nn.BatchNorm3d(c_out))
        self.downsample = None
        if stride != 1 or c_in != c_out:
            step = (1, stride, stride) if make is flat else stride
            self.downsample = nn.Sequential(
                nn.Conv3d(c_in, c_out, 1, step, bias=False), nn.BatchNorm3d(c_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        return (self.conv2(self.conv1(x)) + shortcut).relu()


class TorchvisionResNet(nn.Module):
    """
    Args:
        makers: What the convolutions of layer1 to layer4 are.
        depths: Blocks in each.
        own_middle: Whether the second convolution of a block has a width inside of its
            own, as IG-65M's; torchvision takes the first one's.
        eps: Of the norms; 1e-3 in IG-65M's.
    """

    def __init__(
        self,
        makers,
        depths=(2, 2, 2, 2),
        *,
        num_classes=400,
        own_middle=False,
        eps=1e-5,
    ) -> None:
        super().__init__()
        stem = [conv(3, 64, (3, 7, 7), (1, 2, 2)), nn.BatchNorm3d(64), nn.ReLU()]
        if makers[0] is split:
            stem = [
                conv(3, 45, (1, 7, 7), (1, 2, 2)),
                nn.BatchNorm3d(45),
                nn.ReLU(),
                conv(45, 64, (3, 1, 1)),
                nn.BatchNorm3d(64),
                nn.ReLU(),
            ]
        self.stem = nn.Sequential(*stem)
        c_in = 64
        for index, (make, depth) in enumerate(zip(makers, depths)):
            c_out = 64 * 2**index
            blocks = []
            for number in range(depth):
                stride = 2 if index and not number else 1
                blocks.append(Block(c_in, c_out, make, stride, own_middle=own_middle))
                c_in = c_out
            self.add_module(f"layer{index + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(512, num_classes)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm3d):
                module.eps = eps

    def features(self, x: Tensor) -> Tensor:
        for layer in (self.stem, self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        return x

    @staticmethod
    def pool(x: Tensor) -> Tensor:
        return x.mean((2, 3, 4))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.pool(self.features(x)))


def r3d_18() -> nn.Module:
    return TorchvisionResNet([whole] * 4)


def mc3_18() -> nn.Module:
    return TorchvisionResNet([whole, flat, flat, flat])


def r2plus1d_18() -> nn.Module:
    return TorchvisionResNet([split] * 4)


def ig65m_r2plus1d_34(num_classes: int = 487) -> nn.Module:
    return TorchvisionResNet(
        [split] * 4, (3, 4, 6, 3), num_classes=num_classes, own_middle=True, eps=1e-3
    )
