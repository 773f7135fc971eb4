"""Going on from what was forecast, in training by and by."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from ...private_names import uses_private
from ..layers import to_device


def whole_rounds(frames: int, step: int) -> int:
    """How often a network that gives ``step`` frames has to run for so many."""
    return -(-frames // step)


@uses_private("_load_from_state_dict")
class OwnPredictions(BaseModule):
    """The share of later rounds that go on from the network's own forecast.

    `Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks
    <https://arxiv.org/abs/1506.03099>`_, with its linear schedule. The step counter is
    part of the checkpoint, so a resumed training goes on where it was.

    Args:
        first: Step of training up to which the truth is seen.
        last: Step from which the forecast is seen. ``(0, 0)``: always.

    Raises:
        ValueError: They are not whole numbers in this order.
    """

    def __init__(self, first: int, last: int) -> None:
        super().__init__()
        if not all(isinstance(one, int) for one in (first, last)) or not (
            0 <= first <= last
        ):
            raise ValueError(
                f"own_predictions must be (first, last) step, got {(first, last)}"
            )
        self.first, self.last = first, last
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self._count: int | None = None  # on the host: no step waits for the device

    def advance(self, training: bool) -> float:
        """The share at this step; in training the next one is one further."""
        if self.last == 0:
            return 1.0
        if self._count is None:
            self._count = int(self.steps)
        share = (self._count - self.first) / max(self.last - self.first, 1)
        if training:
            self._count += 1
            self.steps += 1
        return min(max(share, 0.0), 1.0)

    def _load_from_state_dict(self, *args, **kwargs) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._count = None


def without_absent(
    inputs: Mapping[str, Tensor], presence: Mapping[str, Tensor], pictures: str
) -> dict[str, Tensor]:
    """Inputs whose absent frames are black: no round sees what they hold.

    Args:
        inputs: ``{modality: (N, ...)}``.
        presence: ``{modality: bool (N,)}``.
        pictures: The modality that frames are.
    """
    frames = inputs[pictures]
    here = to_device(presence[pictures], frames.device).view(-1, 1, 1, 1, 1)
    return {**inputs, pictures: torch.where(here, frames, frames.new_zeros(()))}


def next_window(
    inputs: Mapping[str, Tensor],
    presence: Mapping[str, Tensor],
    frames: Tensor,
    pictures: str,
    flow: nn.Module | None,
    preprocessors: Mapping[str, nn.Module],
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What a network sees in the round after its forecast.

    Args:
        inputs: ``{modality: (N, ...)}`` of this round.
        presence: ``{modality: bool (N,)}`` of this round.
        frames: The forecast, ``(N, C, future, H, W)``.
        pictures: The modality that frames are.
        flow: Gives flow of frames in 0..255; None: there is none.
        preprocessors: By modality; their mean and deviation are those of the inputs.

    Returns:
        Inputs of the same shapes and their presence. Everything but frames (and flow,
        if it is computed) is absent.
    """
    seen = inputs[pictures]
    frames = frames.clamp(0, 1).expand(-1, seen.shape[1], -1, -1, -1)
    window = torch.cat([seen, frames], dim=2)[:, :, -seen.shape[2] :]
    inputs = {**inputs, pictures: window}
    absent = torch.zeros_like(presence[pictures])
    here = {name: absent for name in presence}
    # what was forecast without any frame is a forecast all the same
    here[pictures] = torch.ones_like(absent)
    if flow is not None and "flow" in inputs and window.shape[2] > 1:
        size = inputs["flow"].shape[-2:]
        value = _flow_of(window, flow, size, preprocessors.get("flow"))
        inputs["flow"], here["flow"] = value, here[pictures]
    return inputs, here


@torch.no_grad()
def _flow_of(
    window: Tensor, flow: nn.Module, size: tuple[int, int], part: nn.Module | None
) -> Tensor:
    """Flow of frames as ``SplitFuture`` leaves it: the last step is zero.

    Returns:
        ``(N, 2, T, *size)``, with the inputs' mean and deviation.
    """
    value = flow(255 * window.expand(-1, 3, -1, -1, -1))  # (N, 2, T - 1, H, W)
    scale = window.shape[-1] / size[-1]
    value = F.adaptive_avg_pool3d(value, (value.shape[2], *size)) / scale
    value = F.pad(value, (0, 0, 0, 0, 0, 1))
    if part is not None and hasattr(part, "mean"):
        mean, std = (one.view(1, -1, 1, 1, 1) for one in (part.mean, part.std))
        value = (value - mean) / std
    return value
