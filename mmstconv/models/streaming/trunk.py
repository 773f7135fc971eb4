"""A 3D backbone that is fed a video piece by piece."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn

from ..backbones import STConvNet
from .convert import streamed
from .nodes import Chain


class StreamedTrunk(nn.Module):
    """The steps of an unpadded ``STConvNet`` on an endless input, each computed once.

    Clip ``[f, f + T)`` of the input, where ``f`` is a multiple of ``stride``, has the
    steps from number ``f / stride`` on, ``steps_in(T)`` of them; they equal those of
    the backbone on the clip alone. It holds a copy of the weights, as they are now.

    Args:
        backbone: An ``STConvNet`` with ``temporal_padding=False``.

    Shape:
        - Input: ``(N, C, t, H, W)``, any number of further frames.
        - Output: ``(N, C', t', H', W')``, the steps that are complete now, or None.

    Raises:
        ValueError: The backbone pads time or looks at the whole clip.
    """

    def __init__(self, backbone: STConvNet) -> None:
        super().__init__()
        if not isinstance(backbone, STConvNet) or backbone.temporal_padding:
            raise ValueError(
                "expected an STConvNet with temporal_padding=False, got "
                f"{type(backbone).__name__}; what pads time gives other features to "
                "each window"
            )
        self.out_channels = backbone.out_channels
        self.check_input = backbone.check_input
        copy = deepcopy(backbone).eval().requires_grad_(False)
        self.nodes = Chain([streamed(stage) for stage in copy.stages])
        self.reach = self.nodes.reach
        self.stride = self.nodes.stride

    def steps_in(self, frames: int) -> int:
        """Time steps of a clip of so many frames."""
        return max((frames - self.reach) // self.stride + 1, 0)

    def reset(self) -> None:
        """Forget the input; the next frame is frame 0."""
        self.nodes.reset()

    def forward(self, x: Tensor) -> Tensor | None:
        self.check_input(x)
        rows = len(x)
        x = x.transpose(1, 2).transpose(0, 1).flatten(0, 1)  # (t * N, C, H, W)
        x = self.nodes(x.contiguous(memory_format=torch.channels_last), rows)
        if x is None:
            return None
        return x.unflatten(0, (-1, rows)).permute(1, 2, 0, 3, 4)  # (N, C', t', H', W')
