"""Predictions of a batch into its data samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor


def write_by_sample(
    data_samples: Sequence,
    field: str,
    values: Mapping[str, Tensor],
    presence: Mapping[str, Tensor] | None = None,
) -> None:
    """Give each data sample its row of some tensors, as a dict.

    Args:
        data_samples: N data samples.
        field: Where they get it.
        values: ``{name: (N, ...)}``.
        presence: ``{name: bool (N * M,)}``, M clips of each sample: what a sample lacks
            is left out. None, and what it does not name: nothing is.
    """
    presence = presence or {}
    for row, sample in enumerate(data_samples):
        own = {}
        for name, value in values.items():
            here = presence.get(name)
            if here is None or bool(here[row * (len(here) // len(data_samples))]):
                own[name] = value[row]
        sample.set_field(own, field)
