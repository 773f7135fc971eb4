"""Large blocks are kept: counted in page faults, in a process of their own."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest
from conftest import ROOT

BLOCKS = """
import ctypes, resource, runpy, sys

keep_large_blocks = runpy.run_path(sys.argv[2])["keep_large_blocks"]
kept = keep_large_blocks() if sys.argv[1] == "keep" else None
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.malloc.argtypes = [ctypes.c_size_t]
library.free.argtypes = [ctypes.c_void_p]

def fill():
    block = library.malloc(64 << 20)
    ctypes.memset(block, 1, 64 << 20)
    library.free(block)

fill()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    fill()
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
# read as a file: importing the package would take seconds for each process
MODULE = ROOT / "mmstconv/engine/allocator.py"
TUNED = [
    ("MALLOC_MMAP_THRESHOLD_", "1000000"),
    ("MALLOC_TRIM_THRESHOLD_", "1000000"),
    ("GLIBC_TUNABLES", "glibc.malloc.mmap_max=10"),
]
pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="another C library"
)


def count_faults(side: str, **environment: str) -> tuple[str, int]:
    """What ``keep_large_blocks`` says and the page faults of four blocks of 64 MiB."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name != "GLIBC_TUNABLES" and not name.startswith("MALLOC_")
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BLOCKS, side, str(MODULE)],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    said, faults = done.stdout.split()
    return said, int(faults)


def test_large_blocks_are_kept():
    _, without = count_faults("leave")
    kept, faults = count_faults("keep")
    assert kept == "True"
    assert without >= 4 * 32  # huge pages of 2 MiB at the most
    assert faults < without / 10


@pytest.mark.parametrize("name,value", TUNED)
def test_the_users_settings_stay(name, value):
    kept, faults = count_faults("keep", **{name: value})
    assert kept == "False"
    assert faults >= 4 * 32


def test_other_tunables_do_not_matter():
    kept, _ = count_faults("keep", GLIBC_TUNABLES="glibc.rtld.nns=4")
    assert kept == "True"
