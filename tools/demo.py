"""The whole way, from nothing to a table: data, training, test, prediction.

    python tools/demo.py --work-dir work_dirs/demo --data-root data/demo

Every model is trained by ``mim train mmstconv`` and tested by ``mim test mmstconv``.
Run again, it keeps trained models whose config and data are unchanged, resumes an
interrupted training, and measures every accuracy anew. Of other configs and data it
trains in other folders; it deletes none.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mmengine
import numpy as np

import mmstconv  # noqa: F401  (names the package to MMEngine, repairs)
from mmstconv.disk import local_path, print_any_name, refuse_foreign, write_own

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ROOT / "configs" / "recognition" / "demo"
# What each subset of modalities can know of 2 colours x 2 motions x 2 glides.
BOUND = {
    "rgb+flow+audio": 1.0,
    "rgb+flow": 0.5,
    "rgb": 0.5,
    "flow": 0.25,
    "audio": 0.25,
}
CONFIG = {name: f"stconvnet_lstm_demo-{name.replace('+', '-')}.py" for name in BOUND}
# The glide is in the order of the sound alone: without an LSTM behind audio features
# that see one time step each, half of the glides are right by chance.
ABLATION = {
    "audio steps, LSTM": "stconvnet_pointwise-lstm_demo-audio.py",
    "audio steps, mean": "stconvnet_pointwise-mean_demo-audio.py",
}
REQUIRED = {"rgb+flow+audio": 0.97, "flow": 0.22, "audio": 0.22}
FACTORS = ("colour", "motion", "glide")  # bits 4, 2 and 1 of the label
SIGMAS = 3  # sampling noise that is no leak


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work-dir", type=local_path, default=Path("work_dirs/demo"))
    parser.add_argument("--data-root", type=local_path, default=Path("data/demo"))
    parser.add_argument(
        "--jobs", type=int, default=2, help="models trained at the same time"
    )
    return parser.parse_args()


class Run:
    """One config: trained, tested, and what came out."""

    def __init__(self, name: str, config: str, args, threads: int) -> None:
        self.name = name
        self.config = CONFIGS / config
        self.parent = args.work_dir / self.config.stem
        self.work_dir = self.parent
        self.data_root = args.data_root
        self.environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
        self.process: subprocess.Popen | None = None
        self.seconds: dict[str, float] = {}

    @property
    def log(self) -> Path:
        return self.work_dir / "log.txt"

    @property
    def options(self) -> list[str]:
        """``mim``'s last arguments: where to write, and where the data are."""
        options = ["--work-dir", str(self.work_dir), "--cfg-options"]
        for split in ("train", "val", "test"):
            dataset = f"{split}_dataloader.dataset"
            options += [
                f"{dataset}.ann_file={self.data_root / split}.txt",
                f"{dataset}.data_prefix.video={self.data_root / split}",
                f"{dataset}.metainfo.classes={self.data_root / 'classes.txt'}",
            ]
        return options

    def fingerprint(self) -> str:
        """Changes when the config or the data set does."""
        config = mmengine.Config.fromfile(self.config).pretty_text
        manifest = (self.data_root / "manifest.json").read_text()
        return hashlib.sha256(f"{config}\n{manifest}".encode()).hexdigest()

    def train(self) -> None:
        # A folder of its own: what is in another one may be somebody's training.
        self.work_dir = self.parent / self.fingerprint()[:12]
        self.work_dir.mkdir(parents=True, exist_ok=True)
        trained = self.work_dir / "trained.json"
        if not trained.exists():
            self._mim("train", "--gpus", "0", "--resume")
            write_own(trained, json.dumps(self.seconds))
        self.seconds.update(json.loads(trained.read_text()))

    def test(self) -> None:
        """Sets ``accuracy`` and ``factors``, measured on the test split now."""
        dump = self.work_dir / "predictions.pkl"
        self._mim("test", "--checkpoint", str(self.checkpoint), "--dump", str(dump))
        predictions = mmengine.load(dump)
        predicted = np.array([int(one["pred_label"]) for one in predictions])
        truth = np.array([int(one["gt_label"]) for one in predictions])
        self.accuracy = float(np.mean(predicted == truth))
        self.factors = {
            factor: float(np.mean((predicted & bit) == (truth & bit)))
            for factor, bit in zip(FACTORS, (4, 2, 1))
        }
        self.samples = len(truth)

    @property
    def checkpoint(self) -> Path:
        return Path((self.work_dir / "last_checkpoint").read_text().strip())

    def _mim(self, verb: str, *arguments: str) -> None:
        mim = str(Path(sys.executable).with_name("mim"))
        command = [mim, verb, "mmstconv", str(self.config), *arguments, *self.options]
        start = time.time()
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env=self.environment
            )
            code = self.process.wait()
        if code:
            tail = "\n".join(self.log.read_text().splitlines()[-15:])
            raise RuntimeError(
                f"{self.name}: mim {verb} ended with code {code}; the end of "
                f"{self.log}:\n{tail}"
            )
        self.seconds[verb] = round(time.time() - start, 1)

    def progress(self) -> str:
        if self.process is None or self.process.poll() is not None:
            return ""
        with open(self.log, errors="replace") as log:
            steps = re.findall(r"Epoch\((\w+)\)\s+(\[\s*\d+\])?", log.read())
        if not steps:
            return f"{self.name}: starting"
        return f"{self.name}: {' '.join(part for part in steps[-1] if part)}"


def make_data(args) -> None:
    script = ROOT / "tools" / "data" / "make_demo_dataset.py"
    subprocess.run([sys.executable, str(script), str(args.data_root)], check=True)


def run_all(runs: dict[str, Run], jobs: int) -> None:
    """Trains and tests, ``jobs`` at a time; says once in a while how far each is."""
    start = time.time()

    def work(run: Run) -> None:
        run.train()
        run.test()

    with ThreadPoolExecutor(jobs) as pool:
        futures = {name: pool.submit(work, run) for name, run in runs.items()}
        try:
            said, told = "", set()
            while len(told) < len(futures):
                time.sleep(1)
                minutes, seconds = divmod(int(time.time() - start), 60)
                for name in [
                    n for n, f in futures.items() if f.done() and n not in told
                ]:
                    futures[name].result()
                    told.add(name)
                    print(f"[{minutes}:{seconds:02d}] {name}: done", flush=True)
                state = ", ".join(filter(None, (r.progress() for r in runs.values())))
                if state != said and seconds % 10 == 0:
                    said = state
                    print(f"[{minutes}:{seconds:02d}] {state}", flush=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for run in runs.values():
                if run.process is not None and run.process.poll() is None:
                    run.process.terminate()
            raise


def noise(bound: float, samples: int) -> float:
    """What chance may add to a bound in a test of so many samples."""
    return SIGMAS * math.sqrt(bound * (1 - bound) / samples)


def table(runs: dict[str, Run]) -> str:
    head = f"{'':18s}{'top-1':>8s}{'bound':>8s}" + "".join(f"{f:>9s}" for f in FACTORS)
    lines = [head]
    for name, run in runs.items():
        bound = f"{BOUND[name]:.0%}" if name in BOUND else ""
        factors = "".join(f"{run.factors[factor]:9.1%}" for factor in FACTORS)
        lines.append(f"{name:18s}{run.accuracy:8.1%}{bound:>8s}{factors}")
    return "\n".join(lines)


def judge(runs: dict[str, Run]) -> list[str]:
    """What is wrong with the figures."""
    faults = []
    for name, bound in BOUND.items():
        run = runs[name]
        if run.accuracy > bound + noise(bound, run.samples):
            faults.append(
                f"{name}: {run.accuracy:.1%} is above its bound of {bound:.0%} by more "
                "than sampling noise: the data leaks the class"
            )
        if run.accuracy < REQUIRED.get(name, 0):
            faults.append(f"{name}: {run.accuracy:.1%} < {REQUIRED[name]:.0%} required")
    mean = runs["audio steps, mean"]
    sounds = mean.samples // 4  # four siblings share each
    if abs(mean.factors["glide"] - 0.5) > noise(0.5, sounds):
        faults.append(
            f"without the LSTM {mean.factors['glide']:.1%} of the glides are right, "
            "not about half: the data leaks the glide without temporal order"
        )
    return faults


def main() -> int:
    print_any_name()
    args = parse_args()
    start = time.time()
    path = args.work_dir / "results.json"
    refuse_foreign([path])
    make_data(args)
    seconds = {"data": round(time.time() - start, 1)}
    threads = max(1, (os.cpu_count() or 1) // args.jobs)
    runs = {
        name: Run(name, config, args, threads)
        for name, config in {**CONFIG, **ABLATION}.items()
    }
    run_all(runs, args.jobs)
    for name, run in runs.items():
        seconds.update({f"{verb} {name}": t for verb, t in run.seconds.items()})

    best = runs["rgb+flow+audio"]
    print("\nOne file through the trained model:")
    video = sorted((args.data_root / "test").glob("*.mp4"))[0]
    script = ROOT / "tools" / "predict.py"
    command = [sys.executable, script, best.config, best.checkpoint, video]
    subprocess.run(list(map(str, command)), check=True)
    seconds["total"] = round(time.time() - start, 1)

    print(f"\nTop-1 on the {best.samples} test files, and the share of each factor:")
    print(table(runs))
    results = dict(
        accuracy={name: runs[name].accuracy for name in BOUND},
        bound=BOUND,
        seconds=seconds,
        factors={name: run.factors for name, run in runs.items()},
        ablation={name: runs[name].accuracy for name in ABLATION},
    )
    write_own(path, json.dumps(results, indent=2) + "\n")
    print(f"\n{path} written after {seconds['total']:.0f} s")
    faults = judge(runs)
    for fault in faults:
        print(f"FAILED: {fault}", file=sys.stderr)
    return bool(faults)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("demo: interrupted; run again, it goes on from here")
    except (RuntimeError, OSError) as error:
        sys.exit(f"demo: {error}")
