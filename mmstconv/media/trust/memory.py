"""A limit on the memory that FFmpeg takes in one piece.

A few bytes of a file can make FFmpeg ask for gigabytes: a compressed header, a colour
profile, a table. It asks for them in a single piece, and its library has a limit on
that. PyAV does not offer the limit, so it is set in the library itself.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from pathlib import Path

import av


def limit_pieces(count: int) -> bool:
    """Sets how many bytes FFmpeg may take in one piece, in the whole process.

    Beyond that, PyAV raises a ``MemoryError``.

    Returns:
        Whether FFmpeg's library was found. If not, there is no such limit, and only the
        limit on a loader process's memory holds.
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
    """Paths where the library that PyAV has loaded may be."""
    package = Path(av.__file__).parent
    folders = package.with_name("av.libs"), package / ".dylibs"
    found = [str(path) for folder in folders for path in folder.glob("*avutil*")]
    maps = Path("/proc/self/maps")
    if maps.exists():
        lines = maps.read_text(errors="replace").splitlines()
        loaded = dict.fromkeys(line.split(maxsplit=5)[-1] for line in lines)
        found += [path for path in loaded if "avutil" in path and "opencv" not in path]
    return found
