"""Whether checkpoints that hold Python objects may be opened in this process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLE = "MMSTCONV_TRUST"
_told = False


def trust_checkpoints(trust: bool) -> None:
    """Say whether files with Python objects may be opened in this process.

    Args:
        trust: Opening such a file can run any code: only for files of your own.
    """
    global _told
    _told = trust


@contextmanager
def trusting(trust: bool) -> Iterator[None]:
    """:func:`trust_checkpoints` for a while."""
    before = _told
    trust_checkpoints(trust)
    try:
        yield
    finally:
        trust_checkpoints(before)


def is_trusted() -> bool:
    """What :func:`trust_checkpoints` was told last, or ``MMSTCONV_TRUST=1``."""
    return _told or os.environ.get(VARIABLE) == "1"
