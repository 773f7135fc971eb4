"""docs/own_videos.md, done to the letter: what it says of a folder of 60 videos."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT
from helpers_folders import contents, write_clip

PAGE = (ROOT / "docs/own_videos.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)[:2]
    for line in block.splitlines()
]
CLASSES = ("Archery", "Diving", "Piano", "Running", "Surfing", "Swing")


def call(command, folder):
    """A command of the page as it stands there; its output."""
    words = shlex.split(command)
    assert words[0] == "mmstconv"
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=dict(os.environ, OMP_NUM_THREADS="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


@pytest.mark.slow
def test_the_page(tmp_path):
    """Its commands are those that init ends with; here they train one epoch."""
    for number, name in enumerate(CLASSES):
        for k in range(10):
            path = tmp_path / f"data/videos/{name}/v_{name}_g{k // 2:02}_c{k % 2}.mp4"
            write_clip(path, 10 * number + k, frames=24)
    shutil.copy(path, tmp_path / "some.mp4")
    before = contents(tmp_path / "data")
    init, *others = COMMANDS
    assert [shlex.split(one)[1] for one in others] == [
        *("train", "test", "report", "predict"),
    ]
    said = call(init, tmp_path)
    assert contents(tmp_path / "data") == before
    shown = [line.strip() for line in said.splitlines()][-len(others) :]
    assert [one.rpartition(" ")[0] for one in shown[-1:]] == [
        one.rpartition(" ")[0] for one in others[-1:]
    ]
    assert shown[:-1] == others[:-1]
    assert "60 videos of 6 classes in data/videos" in said
    assert "by source, 30 of them" in said

    def one_epoch(command):
        return re.sub(r"epoch_\d+", "epoch_1", command)

    call(f"{others[0]} --cfg-options train_cfg.max_epochs=1", tmp_path)
    output = {shlex.split(one)[1]: call(one_epoch(one), tmp_path) for one in others[1:]}
    assert "acc/top1" in output["test"]
    assert "rgb+flow+audio" in output["report"]
    begun, first, *_ = output["predict"].splitlines()
    assert begun == "predict: loading" and first.startswith("some.mp4")
    assert "%" in output["predict"]
    made = {path.name for path in (tmp_path / "videos_mmstconv").iterdir()}
    assert made >= {
        *("train.txt", "val.txt", "test.txt", "classes.txt", "files.csv"),
        *("videos.py", "checked.jsonl", "run"),
    }
    lines = (tmp_path / "videos_mmstconv/videos.py").read_text().splitlines()
    assert sum(bool(line) and line[0] != "#" for line in lines) <= 15


def test_commands_of_the_readme_are_those_of_the_page():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.split("## Train on your own folder of videos\n")[1]
    first = re.search(r"```bash\n(.*?)```", section, re.DOTALL)[1]
    commands = [line.partition("#")[0].strip() for line in first.splitlines()]
    assert commands == COMMANDS[:3]
