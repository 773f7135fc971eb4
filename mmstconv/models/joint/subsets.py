"""Presence with modalities taken away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import torch
from torch import Tensor

from ..layers import to_device

NONE = "none"


def subsets_of(modalities: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Name and members of each subset, from ``'none'`` to ``'rgb+flow+audio'``."""
    for size in range(len(modalities) + 1):
        for members in combinations(modalities, size):
            yield "+".join(members) or NONE, members


def presence_of_subset(
    members: Sequence[str],
    modalities: Sequence[str],
    presence: Mapping[str, Tensor],
    like: Tensor,
) -> dict[str, Tensor]:
    """Presence of a batch in which all but ``members`` are taken away.

    Args:
        members: What stays, where it is present.
        modalities: All modalities.
        presence: ``{modality: bool (N,)}``; what it does not name is present.
        like: Tensor of N rows, for size and device.

    Returns:
        ``{modality: bool (N,)}`` of every modality.
    """
    everyone = like.new_ones(like.shape[:1], dtype=torch.bool)
    return {
        name: to_device(presence.get(name, everyone), like.device) & (name in members)
        for name in modalities
    }


def presence_of_rows(rows: Tensor, presence: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Presence of some samples of a batch, ``{modality: bool (K,)}``."""
    return {name: here[to_device(rows, here.device)] for name, here in presence.items()}


def take_away(
    name: str, presence: Mapping[str, Tensor], like: Tensor
) -> tuple[Tensor, dict[str, Tensor]]:
    """The samples of a batch that have a modality, without it.

    Args:
        name: Of the modality.
        presence: ``{modality: bool (N,)}``; what it does not name is present.
        like: Tensor of N rows, for size and device.

    Returns:
        Their rows ``(K,)``, and ``{modality: bool (K,)}`` in which ``name`` is absent.
    """
    presence = dict(presence)
    here = presence.pop(name, None)
    if here is None:
        here = like.new_ones(like.shape[:1], dtype=torch.bool)
    rows = here.nonzero()[:, 0]  # known on the host, if presence is
    without = presence_of_rows(rows, presence)
    without[name] = torch.zeros(len(rows), dtype=torch.bool, device=here.device)
    return to_device(rows, like.device), without
