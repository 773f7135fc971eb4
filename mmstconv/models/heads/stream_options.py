"""Arguments of a head that speak of streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...modalities import per_stream, without_left_out


def stream_weights(
    weights: float | Mapping[str, float], streams: Mapping[str, int]
) -> dict[str, float]:
    """``aux_loss_weight`` of each stream that has one.

    Raises:
        ValueError: It is for other streams.
    """
    weights = per_stream(weights, "aux_loss_weight", streams)
    return {name: weights[name] for name in streams if weights[name] > 0}


def taught_without(names: Sequence[str], streams: Mapping[str, int]) -> tuple[str, ...]:
    """``train_without`` without modalities that a child config has left out.

    Raises:
        ValueError: It is no list of modalities.
    """
    taught = without_left_out(names, streams)
    if isinstance(names, str) or set(taught) - set(streams):
        raise ValueError(
            "train_without: expected a list with some of "
            f"{sorted(streams)}, got {names!r}"
        )
    return tuple(taught)
