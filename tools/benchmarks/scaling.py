"""How well two processes share a training: clips a second at 1 and 2, by torchrun.

    python tools/benchmarks/scaling.py --processes 1 2 --epochs 3

On an idle machine with a core, or a GPU, for each process. The demo's data and network;
each process reads its own files, so that it takes a core and no more, and has a batch
of its own, so n processes have n times the batch (weak scaling). Efficiency is clips a
second by those of one process times n: 1 is ideal. No row of docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
CONFIG = "configs/recognition/demo/stconvnet_lstm_demo-rgb-flow-audio.py"
MAKE_DATA = "tools/data/make_demo_dataset.py"
DATA = ROOT / "data/demo"
STEP = re.compile(r" time: ([0-9.]+)")
SETTINGS = [
    "default_hooks.logger.interval=5",
    "default_hooks.checkpoint.interval=1000",
    "train_dataloader.num_workers=0",
    "train_dataloader.persistent_workers=False",
]


def clips_a_second(processes: int, epochs: int, batch: int) -> float:
    """Of all processes together, by the median step after the first epoch."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        command += ["--nproc-per-node", str(processes), "-m", "mmstconv", "train"]
        options = [*SETTINGS, f"train_cfg.max_epochs={epochs}"]
        options += [f"train_dataloader.batch_size={batch}"]
        command += [str(ROOT / CONFIG), "--launcher", "pytorch", "--work-dir", folder]
        command += ["--no-validate", "--cfg-options", *options]
        env = dict(os.environ, OMP_NUM_THREADS="1")
        subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True)
        (log,) = Path(folder).glob("*/*.log")
        text = log.read_text().splitlines()
    lines = [line for line in text if "Epoch(train)" in line]
    steps = [float(STEP.search(line)[1]) for line in lines if "(train) [1]" not in line]
    return processes * batch / median(steps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=8, help="of each process")
    args = parser.parse_args()
    if not DATA.is_dir():
        subprocess.run([sys.executable, str(ROOT / MAKE_DATA), str(DATA)], check=True)
    rates = {
        count: clips_a_second(count, args.epochs, args.batch)
        for count in args.processes
    }
    base = rates[args.processes[0]] / args.processes[0]
    for count, rate in rates.items():
        print(
            json.dumps(
                dict(
                    processes=count,
                    clips_a_second=round(rate, 2),
                    efficiency=round(rate / (base * count), 3),
                )
            )
        )


if __name__ == "__main__":
    main()
