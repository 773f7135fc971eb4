"""The modalities that a config may leave out."""

from __future__ import annotations

from collections.abc import Collection, Iterable

MODALITIES = ("rgb", "flow", "audio")


def without_left_out(names: Iterable[str], streams: Collection[str]) -> list[str]:
    """Names but those of modalities whose stream a child config has left out.

    What its base says of them does not count then. Any other name stays, for whoever
    checks it.
    """
    return [name for name in names if name in streams or name not in MODALITIES]
