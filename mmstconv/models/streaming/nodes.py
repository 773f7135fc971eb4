"""Layers that are fed a video piece by piece and keep what they will need again.

The idea is that of `Continual 3D Convolutional Neural Networks
<https://arxiv.org/abs/2106.00050>`_: without padding over time a step of a layer depends
on a few steps of the one before, wherever the clip begins, so it is computed once.

Every node takes the next ``(N, C, t, H, W)`` of an endless input, or None, and gives
the steps of its output that are complete now, or None if there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


class Node(nn.Module):
    """One step over a stream.

    Attributes:
        reach: Input frames that a step of the output sees.
        stride: Input frames from one step to the next.
    """

    reach: int = 1
    stride: int = 1

    def reset(self) -> None:
        """Forget the stream; the next frame is a first one."""


class Pointwise(Node):
    """A layer that looks at each frame by itself."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor | None) -> Tensor | None:
        return None if x is None else self.layer(x)


class Sliding(Node):
    """A convolution or pooling over time; keeps the frames that later steps see.

    Args:
        layer: Without padding over time.
        reach: Frames that one step sees.
        stride: Frames from one step to the next.
    """

    def __init__(self, layer: nn.Module, reach: int, stride: int) -> None:
        super().__init__()
        self.layer = layer
        self.reach = reach
        self.stride = stride
        self.reset()

    def reset(self) -> None:
        self.tail: Tensor | None = None
        self.to_skip = 0  # frames between two steps, where the stride is wide

    def forward(self, x: Tensor | None) -> Tensor | None:
        if x is None:
            return None
        if self.to_skip:
            skipped = min(self.to_skip, x.shape[2])
            self.to_skip -= skipped
            x = x[:, :, skipped:]
        if self.tail is not None:
            x = torch.cat([self.tail, x], dim=2)
        frames = x.shape[2]
        steps = (frames - self.reach) // self.stride + 1
        if steps < 1:
            self.tail = x if frames else None
            return None
        done = steps * self.stride
        self.to_skip = max(done - frames, 0)
        if done >= frames:
            self.tail = None
        elif self.reach > 1 or self.stride > 1:
            self.tail = x[:, :, done:].clone()  # a view would keep all of x
        return self.layer(x[:, :, : done - self.stride + self.reach])


class Skip(Node):
    """Leaves the first frames of the stream out."""

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.frames = frames
        self.reset()

    def reset(self) -> None:
        self.left = self.frames

    def forward(self, x: Tensor | None) -> Tensor | None:
        if x is None or not self.left:
            return x
        skipped = min(self.left, x.shape[2])
        self.left -= skipped
        return x[:, :, skipped:] if skipped < x.shape[2] else None


class Chain(Node):
    """Nodes one after another."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        super().__init__()
        self.nodes = nn.ModuleList(nodes)
        for node in nodes:
            self.reach += (node.reach - 1) * self.stride
            self.stride *= node.stride

    def reset(self) -> None:
        for node in self.nodes:
            node.reset()

    def forward(self, x: Tensor | None) -> Tensor | None:
        for node in self.nodes:
            x = node(x)
            if x is None:
                return None
        return x


class Parallel(Node):
    """Branches side by side; a step comes out when every branch has it.

    Args:
        branches: With equal strides. Their first steps belong together.
        join: Makes one tensor of a list of equally long ones.
    """

    def __init__(
        self, branches: Sequence[Node], join: Callable[[Sequence[Tensor]], Tensor]
    ) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self.join = join
        self.stride = branches[0].stride
        assert all(branch.stride == self.stride for branch in branches)
        self.reach = max(branch.reach for branch in branches)
        self.waiting: list[Tensor | None] = [None] * len(branches)

    def reset(self) -> None:
        self.waiting = [None] * len(self.branches)
        for branch in self.branches:
            branch.reset()

    def forward(self, x: Tensor | None) -> Tensor | None:
        if x is None:
            return None
        for index, branch in enumerate(self.branches):
            new, old = branch(x), self.waiting[index]
            if new is not None:
                new = new if old is None else torch.cat([old, new], dim=2)
                self.waiting[index] = new
        steps = min(0 if one is None else one.shape[2] for one in self.waiting)
        if not steps:
            return None
        ready = [one[:, :, :steps] for one in self.waiting]
        self.waiting = [
            one[:, :, steps:].clone() if one.shape[2] > steps else None
            for one in self.waiting
        ]
        return self.join(ready)
