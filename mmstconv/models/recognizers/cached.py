"""Cached steps of videos in place of what the streams give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ..joint import Features
from ..layers import to_device


def step_counts(data_samples: Sequence | None) -> list[int] | None:
    """Real steps of each sample, as ``PackFilmSteps`` says; None: these are clips.

    Raises:
        ValueError: Some samples are cached steps, others clips.
    """
    counts = [sample.get("step_count") for sample in data_samples or ()]
    if not counts or all(count is None for count in counts):
        return None
    if None in counts:
        raise ValueError("a batch holds cached steps and clips: give one or the other")
    return counts


def features_of_steps(
    inputs: Mapping[str, Tensor],
    presence: Mapping[str, Tensor],
    window: Tensor | None,
    counts: Sequence[int],
    widths: Mapping[str, int],
) -> Features:
    """What the streams would give, from cached steps.

    Args:
        inputs: ``{modality: (N, 1, T, D_m)}``.
        presence: ``{modality: bool (N,)}``, on the host.
        window: Begin and end of the T steps in seconds, ``(N, 2)``.
        counts: Real steps of each sample.
        widths: ``{modality: D_m}``.

    Raises:
        ValueError: Steps are of another width than the streams.
    """
    feats, lengths = {}, {}
    for name, width in widths.items():
        x = inputs[name].flatten(0, 1)  # (N, T, D_m)
        if x.shape[-1] != width:
            raise ValueError(
                f"inputs[{name!r}]: cached steps have {x.shape[-1]} channels, but "
                f"stream {name!r} gives {width}: they are of another model"
            )
        here = to_device(presence[name], x.device)[:, None, None]
        feats[name] = torch.where(here, x, x.new_zeros(()))
        if any(count < x.shape[1] for count in counts):
            lengths[name] = torch.tensor(counts)
    return Features(feats, presence, lengths or None, window, common=True)
