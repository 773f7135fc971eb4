"""Find the layout that weights have, and the prefix before their names."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping

from torch import Tensor

from .containers import is_averaged
from .layout import Layout
from .layouts import LAYOUTS
from .reading import CheckpointError

_DEEPEST = 6  # a prefix has fewer parts than this
_MOST = 20  # how many prefixes of one length are tried


def below(weights: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The weights whose names begin with a prefix, without it."""
    return {
        key.removeprefix(prefix): value
        for key, value in weights.items()
        if key.startswith(prefix)
    }


def seek_layout(
    path: str | os.PathLike, weights: Mapping[str, Tensor], *, ema: bool = False
) -> tuple[Layout, str, str] | None:
    """The layout of weights, and the prefix that a project's own class put before it.

    The prefix may have any name, such as ``model.`` of Lightning or ``backbone.`` of a
    wrapper. It is found by looking for a known layout below each prefix.

    Args:
        path: Named in errors.
        weights: Under the names in the file.
        ema: Of several prefixes take one that is of averaged weights.

    Returns:
        Layout and prefix; what was chosen, if there was a choice. None if the layout is
        none of ours.

    Raises:
        CheckpointError: Several networks in one file.
    """
    prefixes = [""]
    for _ in range(_DEEPEST):
        found = []
        for prefix in prefixes:
            part = below(weights, prefix)
            layout = next((x for x in LAYOUTS if x.recognise(part)), None)
            if layout is not None:
                found.append((layout, prefix))
        if found:
            return _only(path, found, ema)
        prefixes = _deeper(weights, prefixes)
    return None


def find_layout(
    path: str | os.PathLike, weights: Mapping[str, Tensor], *, ema: bool = False
) -> tuple[Layout, str, str]:
    """:func:`seek_layout`, of which there must be one.

    Raises:
        CheckpointError: None of ours; lists those, and the first keys. Or several
            networks in one file.
    """
    found = seek_layout(path, weights, ema=ema)
    if found is not None:
        return found
    names = ", ".join(layout.name for layout in LAYOUTS)
    keys = ", ".join(list(weights)[:5])
    raise CheckpointError(
        f"{path}: the layout of its {len(weights)} tensors is unknown ({keys}, ...); "
        f"known are {names}"
    )


def _deeper(weights: Mapping[str, Tensor], prefixes: list[str]) -> list[str]:
    """Prefixes of one more part, those of many weights first."""
    counts = Counter(
        prefix + key[len(prefix) :].split(".")[0] + "."
        for prefix in prefixes
        for key in weights
        if key.startswith(prefix) and "." in key[len(prefix) :]
    )
    return [prefix for prefix, _ in counts.most_common(_MOST)]


def _only(
    path: str | os.PathLike, found: list[tuple[Layout, str]], ema: bool
) -> tuple[Layout, str, str]:
    averaged = [one for one in found if any(map(is_averaged, one[1].split(".")))]
    plain = [one for one in found if one not in averaged]
    wanted, other = (averaged, plain) if ema else (plain or averaged, averaged)
    if not wanted:
        raise CheckpointError(
            f"{path}: ema was asked for, but below no prefix are averaged weights of a "
            "known layout"
        )
    if len(wanted) > 1:
        networks = ", ".join(f"{prefix!r} ({layout.name})" for layout, prefix in wanted)
        raise CheckpointError(
            f"{path}: holds several networks, below the prefixes {networks}; save the "
            "one that is meant"
        )
    layout, prefix = wanted[0]
    note = f"read below the prefix {prefix!r}" if prefix else ""
    if other and other is not wanted:
        remedy = "without --ema" if ema else "--ema (ema=True)"
        others = ", ".join(repr(prefix) for _, prefix in other)
        kind = "of the last step" if ema else "averaged (EMA)"
        note += f"; weights {kind} are below {others}: {remedy}"
    return layout, prefix, note
