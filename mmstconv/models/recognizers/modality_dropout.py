"""Modalities taken away at random in training."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from ...modalities import without_left_out


def check_rates(
    rates: Mapping[str, float] | None,
    modalities: Collection[str],
    known: Collection[str],
) -> dict[str, float]:
    """Rates of the streams that there are; each is of a stream and lies in 0..1.

    Args:
        rates: By modality; None: there are none.
        modalities: That have a stream.
        known: Modalities that a config may name without a stream for them: their rates
            do not count.

    Raises:
        ValueError: Names the modality.
    """
    rates = rates or {}
    rates = {name: rates[name] for name in without_left_out(rates, modalities, known)}
    for name, rate in rates.items():
        if name not in modalities:
            raise ValueError(
                f"modality_dropout: {name!r} has no stream, there are "
                f"{sorted(modalities)}"
            )
        if not 0 <= rate <= 1:
            raise ValueError(
                f"modality_dropout: the rate of {name!r} must lie in 0..1, got {rate}"
            )
    return rates


def drop_modalities(
    presence: Mapping[str, Tensor], rates: Mapping[str, float], clips: int
) -> dict[str, Tensor]:
    """Presence of a batch after dropout, all clips of a sample alike.

    `ModDrop: adaptive multi-modal gesture recognition
    <https://arxiv.org/abs/1501.00102>`_. A sample keeps at least one modality: if all
    of them are drawn, one of them stays at random, each with the same probability.

    Args:
        presence: ``{modality: bool (N * M,)}``, on the host.
        rates: Probability of dropping, by modality.
        clips: M.

    Returns:
        As ``presence``; the argument is left as it is.
    """
    here = {name: rows[::clips].tolist() for name, rows in presence.items()}
    samples = len(next(iter(here.values())))
    draws = torch.rand(samples, len(here)).tolist()
    for sample, drawn in enumerate(draws):
        has = [name for name in here if here[name][sample]]
        luck = dict(zip(here, drawn))
        stay = [name for name in has if luck[name] >= rates.get(name, 0.0)]
        if has and not stay:
            stay = [has[torch.randint(len(has), ()).item()]]
        for name in set(has) - set(stay):
            here[name][sample] = False
    return {
        name: torch.tensor(rows, dtype=torch.bool).repeat_interleave(clips)
        for name, rows in here.items()
    }
