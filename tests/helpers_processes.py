"""Two processes that know each other, as two ranks of a training do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import torch

TESTS = Path(__file__).resolve().parent
WORKER = """
import sys
sys.path[:0] = {paths}
import mmstconv
import helpers_processes
import {module}
helpers_processes.work({module}.{function}, {rank}, {store!r}, {more!r})
"""


def in_two_processes(folder: Path, file: str, function: str, *more: str) -> list:
    """What a function of a test file returns in each process, as JSON has it.

    Args:
        folder: An empty one.
        file: The test file.
        function: Its name; called with the rank and ``more``.
        more: Texts.
    """
    path = Path(file).resolve()
    paths = [str(path.parent), str(TESTS)]
    values = dict(module=path.stem, function=function, store=str(folder / "store"))
    workers = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                WORKER.format(paths=paths, rank=rank, more=more, **values),
            ],
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
        )
        for rank in range(2)
    ]
    said = [worker.communicate(timeout=120)[0].splitlines()[-1] for worker in workers]
    return [json.loads(one) for one in said]


def work(function, rank: int, store: str, more: tuple) -> None:
    """One of them."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{store}", rank=rank, world_size=2
    )
    print(json.dumps(function(rank, *more)))
    torch.distributed.destroy_process_group()
