"""Scores of every subset of the modalities, from one pass through the streams."""

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
    presence: Mapping[str, Tensor] | None,
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
    everyone = torch.ones(len(like), dtype=torch.bool, device=like.device)
    presence = presence or {}
    return {
        name: to_device(presence.get(name, everyone), like.device) & (name in members)
        for name in modalities
    }
