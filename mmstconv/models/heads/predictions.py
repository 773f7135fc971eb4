"""Predictions of a batch into its data samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn


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


def write_subsets(
    data_samples: Sequence, scores: Mapping[str, Tensor], weights: Mapping[str, Tensor]
) -> None:
    """``subset_scores``, and ``modality_weights`` if the operator has some.

    Args:
        data_samples: N data samples, of M clips each.
        scores: ``{subset: (N, C)}``.
        weights: ``{modality: (N * M, T)}``, which are averaged over the clips.
    """
    write_by_sample(data_samples, "subset_scores", scores)
    averaged = {
        name: share.unflatten(0, (len(data_samples), -1)).mean(1)  # (N, T)
        for name, share in weights.items()
    }
    if averaged:
        write_by_sample(data_samples, "modality_weights", averaged)


def write_kind(data_samples: Sequence, head: nn.Module) -> None:
    """What the scores of a head are, into the metainfo, where it is not the usual."""
    if head.multi_class:
        kind = dict(multi_class=True, average_clips=head.average_clips)
    else:
        kind = {} if head.temperature == 1 else dict(temperature=head.temperature)
    for sample in data_samples:
        sample.set_metainfo(kind)
