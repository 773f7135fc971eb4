"""A work dir that cannot be written, is lost, or holds files of the user."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys

import pytest
from conftest import load_script
from engine.toy_run import toy_config, toy_runner
from mmengine.hooks import Hook

from mmstconv.disk import FolderInUse
from mmstconv.disk.lock import NAME as LOCK
from mmstconv.engine import resuming
from mmstconv.engine.launch import build_runner
from mmstconv.engine.resuming import check_whole


class Do(Hook):
    """Something to a run, once, in its second iteration."""

    priority = "VERY_HIGH"

    def __init__(self, what):
        self.what = what

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == 1:
            self.what(runner)


def logging_config(work_dir, **options):
    """With curves, which are written at each iteration."""
    cfg = toy_config(work_dir, **options)
    cfg.default_hooks.logger = dict(type="LoggerHook", interval=1)
    return cfg


def logged(folder):
    return "".join(path.read_text() for path in sorted(folder.glob("*/*.log")))


def test_a_work_dir_that_cannot_be_written(tmp_path):
    """Before anything is built; as root too, so not by permissions."""
    (tmp_path / "file").write_text("mine")
    for folder in ("file", "file/sub", "/proc/none"):
        folder = tmp_path / folder
        with pytest.raises(
            OSError, match=f"the folder {folder} cannot be written to: "
        ):
            build_runner(toy_config(folder), "toy.py", None, "none")
    assert (tmp_path / "file").read_text() == "mine"


def test_another_training_is_told_before_anything_is_read(tmp_path):
    """Its checkpoints come and go; here the only one is broken, which is not said."""
    (tmp_path / "iter_3.pth").write_bytes(b"half")
    (tmp_path / "iter_6.pth").symlink_to("gone")
    hold = (
        "import fcntl, sys; file = open(sys.argv[1], 'w'); "
        "fcntl.flock(file, fcntl.LOCK_EX); print('held', flush=True); input()"
    )
    command = [sys.executable, "-c", hold, tmp_path / LOCK]
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with subprocess.Popen(command, **pipes) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(FolderInUse, match="a training is running there already"):
            toy_runner(toy_config(tmp_path, resume=True)).train()
        other.stdin.close()
    with pytest.raises(ValueError, match="cannot resume: no checkpoint in"):
        toy_runner(toy_config(tmp_path, resume=True)).train()


def test_a_checkpoint_that_goes_while_it_is_read(tmp_path, monkeypatch):
    """Where a file system has no locks: the next one is taken."""
    toy_runner(toy_config(tmp_path)).train()

    def check(path):
        if path.name == "epoch_2.pth":
            path.unlink()
        check_whole(path)

    monkeypatch.setattr(resuming, "check_whole", check)
    runner = toy_runner(toy_config(tmp_path, resume=True))
    assert resuming.newest_whole(runner) == str(tmp_path / "epoch_1.pth")


def test_a_work_dir_that_is_deleted(tmp_path, capfd):
    """It is made again; all that is to come is in it."""
    runner = toy_runner(logging_config(tmp_path / "run"))
    runner.register_hook(Do(lambda runner: shutil.rmtree(runner.work_dir)))
    runner.train()
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"epoch_1.pth", "epoch_2.pth", "last_checkpoint"} <= names
    (curves,) = (tmp_path / "run").glob("*/vis_data/scalars.json")
    assert len(curves.read_text().splitlines()) >= 7
    said = capfd.readouterr()
    assert "vis_data had been deleted and was made again" in said.out + said.err


def test_curves_that_cannot_be_written_end_no_training(tmp_path, capfd):
    """As on a disk that is full or read-only; told once, with the file."""

    def spoil(runner):
        (curves,) = tmp_path.glob("*/vis_data/scalars.json")
        curves.unlink()
        curves.mkdir()

    runner = toy_runner(logging_config(tmp_path))
    runner.register_hook(Do(spoil))
    runner.train()
    assert (tmp_path / "epoch_2.pth").exists()
    said = capfd.readouterr()
    said = (said.out + said.err).count("scalars.json cannot be written (Is a directory")
    assert said == 1


def test_a_config_that_lies_in_the_work_dir(tmp_path):
    """MMEngine would put its copy over the file that the run was started with."""
    path = tmp_path / "mine.py"
    cfg = toy_config(tmp_path)
    text = "# my notes\n" + cfg.dump()
    path.write_text(text)
    command = ["train.py", str(path), "--work-dir", str(tmp_path)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", command)
        load_script("tools/train.py").main()
    assert path.read_text() == text
    assert (tmp_path / "epoch_2.pth").exists()
    assert f"{path} is not a copy that a run has put there" in logged(tmp_path)


# Warnings that quote the name cannot be sent from one test process to another.
@pytest.mark.filterwarnings("ignore")
def test_names_that_are_no_text(tmp_path, monkeypatch):
    """Work dir and config; the terminal and the log take them as escapes."""
    odd = tmp_path / os.fsdecode(b"caf\xe9")
    odd.mkdir()
    config = odd / os.fsdecode(b"t\xf6y.py")
    cfg = logging_config(tmp_path, log_level="INFO")
    config.write_text(cfg.dump())
    shown = [io.TextIOWrapper(io.BytesIO(), "ascii", errors="strict") for _ in range(2)]
    command = ["train.py", str(config), "--work-dir", str(odd / "run"), "--resume"]
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", command)
        patch.setattr(sys, "stdout", shown[0])
        patch.setattr(sys, "stderr", shown[1])
        for epochs in (1, 2):
            options = ["--cfg-options", f"train_cfg.max_epochs={epochs}"]
            patch.setattr(sys, "argv", command + options)
            load_script("tools/train.py").main()
    for stream in shown:
        stream.flush()
    said = b"".join(stream.buffer.getvalue() for stream in shown)
    assert b"Logging error" not in said
    assert rb"resuming from" in said and rb"caf\udce9/run/epoch_1.pth" in said
    assert r"caf\udce9/run/epoch_1.pth" in logged(odd / "run")
    assert (odd / "run" / "epoch_2.pth").exists()
