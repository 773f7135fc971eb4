"""Whether files with Python objects in them may be opened in this process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

TRUST = "MMSTCONV_TRUST"
_trusted = False


def trust_checkpoints(trust: bool) -> None:
    """Say whether files with Python objects may be opened in this process.

    Args:
        trust: Opening such a file can run any code: only for files of your own.
    """
    global _trusted
    _trusted = trust


@contextmanager
def trusting(trust: bool) -> Iterator[None]:
    """:func:`trust_checkpoints` for a while."""
    before = _trusted
    trust_checkpoints(trust)
    try:
        yield
    finally:
        trust_checkpoints(before)


def are_trusted() -> bool:
    """What :func:`trust_checkpoints` was told last, or the environment says."""
    return _trusted or os.environ.get(TRUST) == "1"
