"""A limit on the memory that FFmpeg takes in one piece.

A small file can say that it will become a large one: a compressed header, a profile or
a table of some bytes. Whatever the kind, FFmpeg asks for memory in a single piece then,
and it has a limit on that; its libraries tell it, PyAV does not.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from pathlib import Path

import av


def limit_pieces(count: int) -> bool:
    """From now on, FFmpeg takes at most so many bytes in one piece.

    It holds for the whole process. Beyond it, PyAV raises a ``MemoryError``.

    Returns:
        Whether FFmpeg's library was found. Where it was not, only the limit of a loader
        process holds.
    """
    set_limit = _setter()
    if set_limit is not None:
        set_limit(int(count))
    return set_limit is not None


@lru_cache(maxsize=1)
def _setter():
    for path in _candidates():
        try:
            set_limit = ctypes.CDLL(path).av_max_alloc
        except (OSError, AttributeError):
            continue
        set_limit.argtypes, set_limit.restype = [ctypes.c_size_t], None
        return set_limit
    return None


def _candidates() -> list[str]:
    """Where the library is that PyAV has loaded: in its wheel, or anywhere."""
    package = Path(av.__file__).parent
    folders = package.with_name("av.libs"), package / ".dylibs"
    found = [str(path) for folder in folders for path in folder.glob("*avutil*")]
    maps = Path("/proc/self/maps")
    if maps.exists():
        lines = maps.read_text(errors="replace").splitlines()
        loaded = dict.fromkeys(line.split(maxsplit=5)[-1] for line in lines)
        found += [path for path in loaded if "avutil" in path and "opencv" not in path]
    return found
