"""From the seconds of a film to steps of a sequence, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from ...joint import Fused


class Clock(NamedTuple):
    """When the steps of one sequence are; all of them last the same time.

    Args:
        start: Of step 0, in seconds of the film.
        step: Seconds a step.
        steps: How many are real.
    """

    start: float
    step: float
    steps: int

    def to_steps(self, seconds: Tensor) -> Tensor:
        """Seconds of the film to steps and fractions of them, float32."""
        return ((seconds.double() - self.start) / self.step).float()

    def to_seconds(self, steps: Tensor) -> Tensor:
        """What :meth:`to_steps` undoes, float64; not before or behind the sequence."""
        steps = steps.double().clamp(0, self.steps)
        return self.start + self.step * steps


def clocks_of(fused: Fused, data_samples: Sequence) -> list[Clock]:
    """The clock of each of the N rows, read on the host.

    Raises:
        ValueError: The rows do not say when they are.
    """
    if fused.seconds is None:
        names = sorted({str(one.get("filename", None)) for one in data_samples})
        raise ValueError(
            "the times of events need the seconds of each step, but the data samples "
            f"of {names} do not say them: put clip_starts and clip_duration into "
            "their metainfo (meta_keys of the pipeline's last transform)"
        )
    edges = torch.stack([fused.seconds[:, 0, 0], fused.seconds[:, -1, 1]], 1)  # (N, 2)
    count = fused.seconds.shape[1]
    real = [count] * len(edges) if fused.valid is None else fused.valid.tolist()
    return [
        Clock(start, (end - start) / count, steps)
        for (start, end), steps in zip(edges.double().tolist(), real)
    ]
