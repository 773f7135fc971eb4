"""Large blocks of memory are kept by the process from one training step to the next."""

from __future__ import annotations

import ctypes
import os
import sys

# <malloc.h> of glibc
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
ENVIRONMENT = (
    "MALLOC_MMAP_MAX_",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_TOP_PAD_",
    "MALLOC_TRIM_THRESHOLD_",
)


def keep_large_blocks() -> bool:
    """Tell glibc's allocator not to give large blocks back to the kernel.

    It maps a block above 32 MiB at the most by itself and unmaps it when it is freed.
    The activations of a 3D convolution are such blocks, so without this each step has
    all its memory cleared by the kernel again, one page fault every 4 KiB.

    What it costs: the process stays at its peak size until it ends.

    Returns:
        Whether it was set. It is not where the C library is another one, nor where
        the user has tuned it (``MALLOC_*_`` or ``GLIBC_TUNABLES``).
    """
    if not sys.platform.startswith("linux"):
        return False
    tunables = os.environ.get("GLIBC_TUNABLES", "")
    if "glibc.malloc." in tunables or any(key in os.environ for key in ENVIRONMENT):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return False
    set_heap = library.mallopt(M_MMAP_MAX, 0)
    # an int in C: the largest one, 2 GiB of free memory at the end of the heap
    set_trim = library.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
    return bool(set_heap and set_trim)
