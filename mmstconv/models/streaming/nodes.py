"""Layers that are fed a video piece by piece and keep what they will need again.

The idea is that of `Continual 3D Convolutional Neural Networks
<https://arxiv.org/abs/2106.00050>`_: without padding over time a step of a layer
depends on a few steps of the one before, wherever the clip begins, so it is computed
once.

Nodes work on frames as a batch of images, ``(t * rows, C, H, W)`` with time outermost:
a convolution over k frames is one over their channels side by side. On a CPU that is
faster than ``Conv3d`` for a few frames at a time.

Every node takes the next frames of ``rows`` endless inputs, or None, and gives the
steps of its output that are complete now, or None if there is none.
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

    def forward(self, x: Tensor | None, rows: int) -> Tensor | None:
        return None if x is None else self.layer(x)


class Sliding(Node):
    """Something over a few frames; keeps the frames that later steps see.

    Args:
        layer: Takes a list of ``reach`` batches of images, the first frame of every
            step, the second one of every step and so on; gives the steps.
        reach: Frames that one step sees.
        stride: Frames from one step to the next.
        dilation: Frames from one frame that a step sees to the next.
    """

    def __init__(
        self,
        layer: Callable[[Sequence[Tensor]], Tensor],
        reach: int,
        stride: int,
        dilation: int = 1,
    ) -> None:
        super().__init__()
        self.layer = layer
        self.reach = reach
        self.stride = stride
        self.dilation = dilation
        self.reset()

    def reset(self) -> None:
        self.tail: Tensor | None = None
        self.to_skip = 0  # frames between two steps, where the stride is wide

    def forward(self, x: Tensor | None, rows: int) -> Tensor | None:
        if x is None:
            return None
        if self.to_skip:
            skipped = min(self.to_skip, len(x) // rows)
            self.to_skip -= skipped
            x = x[skipped * rows :]
        if self.tail is not None:
            x = torch.cat([self.tail, x])
        frames = len(x) // rows
        steps = (frames - self.reach) // self.stride + 1
        if steps < 1:
            self.tail = x if frames else None
            return None
        done = steps * self.stride
        self.to_skip = max(done - frames, 0)
        # a copy, as a view would keep all of x in memory
        self.tail = x[done * rows :].clone() if done < frames else None
        last = done - self.stride + 1
        by_time = x.unflatten(0, (frames, rows))
        return self.layer(
            [
                by_time[first : first + last : self.stride].flatten(0, 1)
                for first in range(0, self.reach, self.dilation)
            ]
        )  # (steps * rows, C', H', W')


class Skip(Node):
    """Leaves the first frames of the stream out."""

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.frames = frames
        self.reset()

    def reset(self) -> None:
        self.left = self.frames

    def forward(self, x: Tensor | None, rows: int) -> Tensor | None:
        if x is None or not self.left:
            return x
        skipped = min(self.left, len(x) // rows)
        self.left -= skipped
        x = x[skipped * rows :]
        return x if len(x) else None


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

    def forward(self, x: Tensor | None, rows: int) -> Tensor | None:
        for node in self.nodes:
            x = node(x, rows)
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
        self.reset()

    def reset(self) -> None:
        self.waiting: list[Tensor | None] = [None] * len(self.branches)
        for branch in self.branches:
            branch.reset()

    def forward(self, x: Tensor | None, rows: int) -> Tensor | None:
        if x is None:
            return None
        for index, branch in enumerate(self.branches):
            new, old = branch(x, rows), self.waiting[index]
            if new is not None:
                self.waiting[index] = new if old is None else torch.cat([old, new])
        ready = min(0 if one is None else len(one) for one in self.waiting)
        if not ready:
            return None
        out = self.join([one[:ready] for one in self.waiting])
        self.waiting = [
            one[ready:].clone() if len(one) > ready else None for one in self.waiting
        ]
        return out
