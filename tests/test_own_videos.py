"""The first hour of a user: what the README says of a folder of videos, done."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT
from engine.toy_run import toy_config, toy_runner
from joblib import cpu_count
from mmengine.config import Config

from mmstconv.engine.batch_size import batch_size_for

SECTION = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = SECTION.split("## Train on your own folder of videos")[1].split("\n## ")[0]
CONFIG = re.search(r"```python\n(# my_videos\.py\n.*?)```", SECTION, re.DOTALL)[1]
COMMANDS = re.findall(r"^(?:mmstconv|torchrun) .*\bmy_videos\b.*$", SECTION, re.M)
CLASSES = 3


@pytest.fixture(scope="module")
def folder(demo_data, tmp_path_factory):
    """``data/`` as the README names it: videos of three classes and two lists."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "data/videos").mkdir(parents=True)
    (folder / "my_videos.py").write_text(CONFIG)
    for split in ("train", "val"):
        lines = []
        for line in (demo_data / f"{split}.txt").read_text().splitlines():
            name, label = line.split()
            if int(label) < CLASSES:
                shutil.copy(
                    demo_data / split / name, folder / f"data/videos/{split}_{name}"
                )
                lines.append(f"{split}_{name} {label}\n")
        (folder / f"data/{split}.txt").write_text("".join(lines))
    shutil.copy(folder / "data/videos" / lines[0].split()[0], folder / "some.mp4")
    return folder


def call(command, cwd, *more):
    """A command of the README; its output, both streams as they come."""
    words = command.partition("#")[0].split() + list(more)
    if words[0] == "torchrun":
        words[:1] = ["python", "-m", "torch.distributed.run"]
    if words[0] == "mmstconv":
        words[:1] = ["python", "-m", "mmstconv"]
    words[0] = sys.executable
    env = dict(os.environ, OMP_NUM_THREADS="1")
    done = subprocess.run(
        words,
        cwd=cwd,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_config_is_short():
    lines = [line for line in CONFIG.splitlines() if line and line[0] != "#"]
    assert len(lines) <= 8
    assert [line.split()[-1] for line in COMMANDS if "train" in line]


def test_the_first_lines(folder):
    """Three epochs of six videos: batch, rate, lines and loader processes fit."""
    output = call(COMMANDS[0], folder, "--cfg-options", "train_cfg.max_epochs=3")
    lines = output.splitlines()
    first = next(i for i, line in enumerate(lines) if "Epoch(train)" in line)
    assert first <= 15, output
    # after one epoch, and of three files, a stream may well be ahead
    warned = [line for line in lines if "warning" in line.lower()]
    assert all("loses to its best stream" in line for line in warned), output
    assert "Epoch(train) [1][1/1]" in output  # two of the six wait for another epoch
    # after two epochs of warm-up: 1e-3 for 32, for a batch of 4 an eighth
    assert re.search(r"Epoch\(train\) \[3\].* lr: 1.2500e-04", output), output
    assert "Epoch(val) [3]" in output
    (log,) = folder.glob("work_dirs/my_videos/*/*.log")
    kept = log.read_text()
    for said in ("System environment:", "Hooks will be executed", "paramwise_options"):
        assert said in kept and said not in output
    cfg = Config.fromfile(folder / "work_dirs/my_videos/my_videos.py")
    assert cfg.train_dataloader.num_workers == min(cpu_count(), 8)
    assert cfg.train_dataloader.dataset.num_classes == CLASSES
    shutil.rmtree(folder / "work_dirs")


@pytest.mark.slow
def test_all_commands(folder):
    train, test, predict, several = COMMANDS
    epochs = "train_cfg.max_epochs={}".format
    call(train, folder, "--cfg-options", epochs(1))
    output = call(train, folder, "--resume", "--cfg-options", epochs(2))
    assert "Epoch(train) [2]" in output and "Epoch(train) [1]" not in output
    assert "acc/top1" in call(test.replace("epoch_20", "epoch_2"), folder)
    output = call(predict.replace("epoch_20", "epoch_2"), folder)
    assert output.startswith("some.mp4 (rgb, flow, audio)") or "some.mp4 (rgb" in output
    assert len(re.findall(r"(?m)^ +[0-9.]+%", output)) == CLASSES
    several = several.replace("--nproc-per-node 4", "--nproc-per-node 2")
    output = call(several, folder, "--work-dir", "two", "--cfg-options", epochs(1))
    assert "Epoch(train) [1][1/1]" in output  # of six videos two each


def test_batches_of_any_data_set():
    for samples in range(1, 400):
        size = batch_size_for(samples)
        assert 1 <= size <= min(samples, 16) and size & (size - 1) == 0
        assert samples < 24 or samples // size >= 6


def test_an_epoch_without_a_batch(tmp_path):
    """More files a batch than there are, and what is left over is dropped."""
    loader = dict(train_dataloader__batch_size=64, train_dataloader__drop_last=True)
    with pytest.raises(ValueError, match=r"leaves none of 64 of the .* take a smaller"):
        toy_runner(toy_config(tmp_path, **loader)).train()
