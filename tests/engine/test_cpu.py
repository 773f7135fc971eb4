"""Large blocks are kept: counted in page faults, each time in a process of its own."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys

import pytest

BLOCKS = """
import ctypes, json, os, resource, sys

from mmstconv.engine.cpu import keep_large_blocks

library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.malloc.argtypes = [ctypes.c_size_t]
library.free.argtypes = [ctypes.c_void_p]

def fill():
    block = library.malloc(64 << 20)
    ctypes.memset(block, 1, 64 << 20)
    library.free(block)

def count_faults(keep, environment):
    os.environ.update(environment)
    kept = keep_large_blocks() if keep else None
    fill()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(4):
        fill()
    return kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

for case in json.loads(sys.argv[1]):
    if not os.fork():  # importing the package takes seconds, forking does not
        print(json.dumps(count_faults(*case)), flush=True)
        os._exit(0)
    os.wait()
"""
TUNED = (
    dict(MALLOC_MMAP_THRESHOLD_="1000000"),
    dict(MALLOC_TRIM_THRESHOLD_="1000000"),
    dict(GLIBC_TUNABLES="glibc.malloc.mmap_max=10"),
)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_large_blocks_are_kept_unless_the_user_has_tuned_the_allocator():
    cases = [(False, {}), (True, {}), (True, dict(GLIBC_TUNABLES="glibc.rtld.nns=4"))]
    cases += [(True, environment) for environment in TUNED]
    untuned = {
        name: value
        for name, value in os.environ.items()
        if name != "GLIBC_TUNABLES" and not name.startswith("MALLOC_")
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BLOCKS, json.dumps(cases)],
        env=untuned,
        capture_output=True,
        text=True,
        check=True,
    )
    said = [json.loads(line) for line in done.stdout.splitlines()]
    (_, without), *free = said[:3]
    assert without >= 4 * 32  # huge pages of 2 MiB at the most
    for kept, faults in free:
        assert kept is True and faults < without / 10
    for environment, (kept, faults) in zip(TUNED, said[3:], strict=True):
        assert kept is False and faults >= 4 * 32, environment
