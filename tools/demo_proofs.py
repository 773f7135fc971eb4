"""What the proofs of all tasks share: where they work, commands, what comes out."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import mmengine
import torch

from mmstconv.disk import own_file, write_own

TOOLS = Path(__file__).resolve().parent


class Proof(NamedTuple):
    """What came out.

    Args:
        table: To print.
        faults: What is not as it must be.
        results: Of JSON's types.
    """

    table: str
    faults: list[str]
    results: dict


class Place:
    """Where a proof works, and from which streams it starts.

    Args:
        name: Of the proof.
        work_dir: Its own folder below this one.
        data: Folder of its data set.
        streams: Checkpoint.
    """

    def __init__(self, name: str, work_dir: Path, data: Path, streams: Path) -> None:
        self.name = name
        self.work_dir = work_dir / name
        self.data = data
        self.streams = streams
        self.work_dir.mkdir(parents=True, exist_ok=True)
        self.environment = dict(os.environ, OMP_NUM_THREADS="1")  # small layers
        self.seconds: dict[str, float] = {}

    @property
    def log(self) -> Path:
        return self.work_dir / "log.txt"

    def script(self, step: str, *command: object) -> None:
        """Runs one of our scripts; what it says on the error stream is seen."""
        self._run(step, [sys.executable, *command])

    def mmstconv(self, step: str, *command: object, quiet: bool = True) -> None:
        """``python -m mmstconv ...``; with ``quiet`` all it says goes into the log."""
        self._run(step, [sys.executable, "-m", "mmstconv", *command], quiet)

    def _run(self, step: str, command: Sequence, quiet: bool = False) -> None:
        print(f"{self.name}: {step}", flush=True)
        start = time.time()
        with open(self.log, "a") as log:
            code = subprocess.run(
                list(map(str, command)),
                env=self.environment,
                stdout=log,
                stderr=log if quiet else None,
            ).returncode
        if code:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
            raise RuntimeError(
                f"{self.name}: {step} ended with code {code}; the end of "
                f"{self.log}:\n{tail}"
            )
        self.seconds[step] = round(time.time() - start, 1)

    def prepare(self, config: Path, maker: str) -> Path:
        """Makes the data set and what the streams say of its videos.

        Args:
            config: Whose streams and clips count.
            maker: Script of the data set.

        Returns:
            The cache of steps.
        """
        self.script("data", TOOLS / "data" / maker, self.data)
        return self.cache_steps(config)

    def cache_steps(self, config: Path) -> Path:
        """What the streams say of the videos of the data set: a cache of steps."""
        cache = self.work_dir / "steps"
        self.mmstconv(
            "steps",
            *("cache_steps", config, self.streams, "--out", cache),
            *("--files", self.data / "videos"),
            quiet=False,
        )
        return cache

    def train_and_test(self, config: Path, options: Sequence[str]) -> list[dict]:
        """What a model says that has learnt: a sample for each test video."""
        checkpoint = self.train(config, options)
        found = self.work_dir / "found.pkl"
        self.mmstconv(
            "test",
            *("test", config, checkpoint, "--work-dir", self.work_dir),
            *("--dump", found, "--cfg-options", *options),
        )
        return pickle.loads(found.read_bytes())

    def train(
        self,
        config: Path,
        options: Sequence[str],
        *,
        step: str = "train",
        from_streams: bool = True,
    ) -> Path:
        """Trains, unless it was done with the same config, data and streams.

        Args:
            config: Of the training.
            options: ``--cfg-options``.
            step: Its name, where one proof trains several.
            from_streams: Begin with the demo's streams, else with nothing.

        Returns:
            The last checkpoint.
        """
        folder = self.work_dir / self._fingerprint(config)
        folder.mkdir(parents=True, exist_ok=True)
        done = folder / "trained.json"
        if not done.exists():
            command = ["train", config, "--work-dir", folder]
            start = [f"load_from={self.streams if from_streams else None}"]
            if (folder / "last_checkpoint").exists():  # an interrupted one goes on
                command, start = [*command, "--resume"], ["load_from=None"]
            self.mmstconv(step, *command, "--cfg-options", *start, *options)
            write_own(done, json.dumps(self.seconds[step]))
        self.seconds[step] = json.loads(done.read_text())
        return Path((folder / "last_checkpoint").read_text().strip())

    def _fingerprint(self, config: Path) -> str:
        digest = hashlib.sha256(mmengine.Config.fromfile(config).pretty_text.encode())
        digest.update((self.data / "manifest.json").read_bytes())
        digest.update(self.streams.read_bytes())
        return digest.hexdigest()[:12]


def subset_options(data: Path, suffix: str) -> list[str]:
    """``--cfg-options``: where videos and the list of each subset are.

    Args:
        data: Folder of the data set.
        suffix: Of the lists.
    """
    options = []
    names = dict(train="training", val="validation", test="test")
    for split, subset in names.items():
        dataset = f"{split}_dataloader.dataset"
        options += [
            f"{dataset}.ann_file={data / subset}{suffix}",
            f"{dataset}.data_prefix.video={data / 'videos'}",
        ]
    return options


def join_streams(checkpoints: dict[str, Path], out: Path) -> Path:
    """One checkpoint of streams that were trained by themselves.

    Args:
        checkpoints: ``{modality: checkpoint with this stream}``.
        out: Is written unless it holds the same.

    Raises:
        ForeignFile: There is another file of that name.
    """
    weights = {}
    for name, path in checkpoints.items():
        state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
        prefix = f"streams.{name}."
        weights.update({k: v for k, v in state.items() if k.startswith(prefix)})
    if out.exists():
        known = torch.load(out, weights_only=True)["state_dict"]
        if known.keys() == weights.keys() and all(
            known[key].equal(value) for key, value in weights.items()
        ):
            return out
    with own_file(out) as part:
        torch.save(dict(state_dict=weights), part)
    return out
