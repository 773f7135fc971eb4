"""Modalities taken away at random in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch


def check_rates(rates: Mapping[str, float], modalities: Sequence[str]) -> dict:
    """Raise unless every rate is of a stream and lies in 0..1.

    Raises:
        ValueError: Names the modality.
    """
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
    return dict(rates)


def drop_modalities(
    presence: Mapping[str, Sequence[bool]], rates: Mapping[str, float], clips: int
) -> dict[str, list[bool]]:
    """Presence of a batch after dropout, all clips of a sample alike.

    `ModDrop: adaptive multi-modal gesture recognition
    <https://arxiv.org/abs/1501.00102>`_. A sample keeps at least one modality: where
    all that it has are drawn, one of them, drawn evenly, stays.

    Args:
        presence: ``{modality: [bool] * (N * M)}``.
        rates: Probability of dropping, by modality.
        clips: M.

    Returns:
        As ``presence``; the argument is left as it is.
    """
    kept = {name: list(rows) for name, rows in presence.items()}
    firsts = range(0, len(next(iter(kept.values()))), clips)
    draws = torch.rand(len(firsts), len(kept)).tolist()
    for first, drawn in zip(firsts, draws):
        here = [name for name in kept if kept[name][first]]
        luck = dict(zip(kept, drawn))
        stay = [name for name in here if luck[name] >= rates.get(name, 0.0)]
        if here and not stay:
            stay = [here[torch.randint(len(here), ()).item()]]
        for name in set(here) - set(stay):
            kept[name][first : first + clips] = [False] * clips
    return kept
