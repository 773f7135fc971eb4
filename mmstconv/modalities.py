"""The modalities that have loaders of their own, and their order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

#: Spelled here and nowhere else; any other key that a config names is a modality too.
MODALITIES = ("rgb", "flow", "audio")


def in_order(names: Iterable[str]) -> list[str]:
    """Modalities in the order of parameters and reports: ours first, then as named."""
    names = list(names)
    own = [name for name in MODALITIES if name in names]
    return own + [name for name in names if name not in MODALITIES]


def without_left_out(
    names: Iterable[str], streams: Collection[str], known: Collection[str] = MODALITIES
) -> list[str]:
    """Names but those of modalities whose stream a child config has left out.

    What its base says of them does not count then. Any other name stays, for whoever
    checks it.

    Args:
        names: Of modalities.
        streams: Modalities that have a stream.
        known: Modalities that a config may have had.
    """
    return [name for name in names if name in streams or name not in known]


def per_stream(value: object, argument: str, streams: Collection[str]) -> dict:
    """A value for each stream, from one for all or one for each.

    Args:
        value: One for all (a number, or a config with a ``type``), or by stream.
        argument: Its name, for the message.
        streams: By modality.

    Raises:
        ValueError: It is for other streams.
    """
    if not isinstance(value, Mapping) or "type" in value:
        return dict.fromkeys(streams, value)
    if set(value) != set(streams):
        raise ValueError(
            f"{argument}: expected one value for all streams or one for each of "
            f"{sorted(streams)}, got those of {sorted(value)}"
        )
    return dict(value)
