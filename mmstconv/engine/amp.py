"""Mixed precision on a CPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmaction.registry import OPTIM_WRAPPERS
from mmengine.optim import OptimWrapper
from torch import nn

MEMORY_FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}


@OPTIM_WRAPPERS.register_module()
class CPUAmpOptimWrapper(OptimWrapper):
    """Trains in bfloat16 on a CPU, which MMEngine's ``AmpOptimWrapper`` refuses.

    The forward pass of a step runs under :class:`torch.autocast`; weights, gradients
    and the optimizer's state stay float32. bfloat16 has the range of float32, so the
    loss is not scaled and a gradient that is not finite is a fault as ever. Kernels of
    convolutions are laid out channels-last at the first step, and what they compute
    follows: oneDNN then has nothing to reorder.

    Args:
        **kwargs: See :class:`mmengine.optim.OptimWrapper`.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._laid_out = False

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """What the forward pass of a step runs in.

        Args:
            model: The model that is trained.
        """
        if not self._laid_out:
            self._laid_out = True
            # DistributedDataParallel's buckets have the layout it has found already
            if not hasattr(model, "no_sync"):
                put_channels_last(model)
        with super().optim_context(model), torch.autocast("cpu", torch.bfloat16):
            yield


def put_channels_last(model: nn.Module) -> None:
    """Lay the kernels of 2D and 3D convolutions out channels-last, values unchanged.

    Args:
        model: Its parameters stay the same objects, which an optimizer may hold.
    """
    for parameter in model.parameters():
        if parameter.dim() in MEMORY_FORMATS:
            layout = MEMORY_FORMATS[parameter.dim()]
            parameter.data = parameter.data.to(memory_format=layout)
