"""Predictions at a temperature: as sure as they are right."""

from __future__ import annotations

import math

from torch import Tensor


def check_temperature(temperature: float, multi_class: bool) -> float:
    """The temperature of a head, or ``ValueError`` where it can have none."""
    if not (0 < temperature < math.inf):
        raise ValueError(f"temperature must be above 0, got {temperature!r}")
    if multi_class and temperature != 1:
        raise ValueError(
            f"temperature={temperature!r} is for one class a sample (a softmax of "
            "all), but the head has multi_class: leave temperature out"
        )
    return float(temperature)


def at_temperature(averaged: Tensor, temperature: float, average_clips: str) -> Tensor:
    """Temperature scaling of what was averaged over clips; no answer changes.

    `On Calibration of Modern Neural Networks <https://arxiv.org/abs/1706.04599>`_ (Guo
    et al. 2017), eq. 9. Of a single clip it is that equation; of several, a temperature
    of each clip's scores could change which class their mean prefers.

    Args:
        averaged: ``(N, C)``.
        temperature: Above 1 makes less sure; 1 leaves all as it is, to the bit.
        average_clips: ``'prob'`` or ``'score'``: what was averaged.
    """
    if temperature == 1:
        return averaged
    if average_clips == "prob":
        return (averaged.log() / temperature).softmax(dim=-1)
    return averaged / temperature
