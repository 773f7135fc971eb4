"""A run that gets no more memory from its second batch on; for test_failures.py.

    python memory_worker.py CONFIG SPLIT

Prints JSON: what the error and its cause say. A process of its own, because oneDNN
keeps what it could not set up for want of memory: later convolutions in the process
fail too, when memory is there again.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from conftest import plain_config
from mmengine.hooks import Hook
from mmengine.runner import Runner

import mmstconv  # noqa: F401
from mmstconv.engine.failures import OutOfMemory, explain_failures

SMALL = 8 << 20  # bytes still to be had: less than any of the batch's tensors


class NoMoreMemory(Hook):
    def _before_iter(self, runner, batch_idx, data_batch=None, mode="train") -> None:
        if batch_idx == 1:
            used = int(Path("/proc/self/statm").read_text().split()[0])
            limit = used * resource.getpagesize() + SMALL
            _, hard = resource.getrlimit(resource.RLIMIT_AS)
            resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def main(path: str, split: str) -> None:
    runner = Runner.from_cfg(plain_config(path))
    runner.register_hook(NoMoreMemory())
    limits, error = resource.getrlimit(resource.RLIMIT_AS), None
    try:
        with explain_failures(runner):
            runner.test() if split == "test" else runner.train()
    except OutOfMemory as caught:
        error = dict(message=str(caught), cause=str(caught.__cause__))
    resource.setrlimit(resource.RLIMIT_AS, limits)
    print("\n" + json.dumps(error))


if __name__ == "__main__":
    main(*sys.argv[1:])
