"""Which checkpoint a run goes on from."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
import torch
from conftest import load_script
from engine.toy_run import STEPS, for_testing, toy_config, toy_runner
from engine.toy_training import logged, names, resume, train
from mmengine.runner import CheckpointLoader

from mmstconv.checkpoints.reading import read_checkpoint
from mmstconv.checkpoints.trust import trusting
from mmstconv.disk import unfinished_path


@pytest.fixture
def two(tmp_path):
    """A run of two epochs that have both been saved."""
    train(tmp_path)
    return tmp_path


def flip(path: Path) -> None:
    """Change one bit inside the weights."""
    with zipfile.ZipFile(path) as archive:
        member = next(m for m in archive.infolist() if m.filename.endswith("/data/0"))
    content = bytearray(path.read_bytes())
    head = content[member.header_offset :][:30]
    lengths = [int.from_bytes(head[k : k + 2], "little") for k in (26, 28)]
    content[member.header_offset + 30 + sum(lengths) + 7] ^= 1
    path.write_bytes(content)


BREAK = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-700]),
    "empty": lambda path: path.write_bytes(b""),
    "a bit flipped": flip,
    "text": lambda path: path.write_text("not found\n" * 100),
    "a list": lambda path: torch.save([1, 2], path),
    "weights only": lambda path: torch.save({"state_dict": {}}, path),
}
POINT = {
    "pointed at": None,
    "nothing points": lambda path: path.unlink(),
    "pointer empty": lambda path: path.write_text(""),
    "pointer to nothing": lambda path: path.write_text("/gone/epoch_7.pth"),
}


@pytest.mark.parametrize("how", BREAK.values(), ids=BREAK)
def test_a_broken_newest_is_passed_over(two, how):
    how(two / "epoch_2.pth")
    runner = resume(two)
    assert runner.iter == 3 * STEPS
    assert str(runner._load_from) == str(two / "epoch_1.pth")
    assert "passed over" in logged(two) and f"{two}/epoch_2.pth: " in logged(two)
    saved = torch.load(two / "epoch_3.pth", weights_only=True)
    assert saved["optimizer"]["state"]  # momentum: it was resumed, not started


@pytest.mark.parametrize("how", POINT.values(), ids=POINT)
def test_whatever_last_checkpoint_says(two, how):
    if how is not None:
        how(two / "last_checkpoint")
    assert resume(two)._load_from == str(two / "epoch_2.pth")


def test_a_run_that_was_moved(two, tmp_path):
    """``last_checkpoint`` has the path of then; MMEngine looks for it there."""
    moved = tmp_path.with_name(tmp_path.name + "_moved")
    two.rename(moved)
    assert resume(moved)._load_from == str(moved / "epoch_2.pth")


@pytest.mark.parametrize("start", ["{outside}", "../evil/{name}", "http://x/{name}"])
def test_last_checkpoint_leads_nowhere_else(two, tmp_path_factory, start):
    outside = tmp_path_factory.mktemp("evil") / "evil_9.pth"
    outside.write_bytes((two / "epoch_1.pth").read_bytes())
    text = start.format(outside=outside, name=outside.name)
    (two / "last_checkpoint").write_text(text)
    assert resume(two)._load_from == str(two / "epoch_2.pth")


def test_none_is_whole(two):
    for epoch in (1, 2):
        flip(two / f"epoch_{epoch}.pth")
    with pytest.raises(ValueError, match=r"(?s)cannot resume.*epoch_2\.pth.*epoch_1\."):
        resume(two)


def test_the_only_one_is_gone(tmp_path):
    (tmp_path / "last_checkpoint").write_text("/somewhere/epoch_4.pth")
    with pytest.raises(ValueError, match=r"epoch_4\.pth: no such file, but last_check"):
        resume(tmp_path)


def test_none_at_all_starts_anew(tmp_path):
    assert resume(tmp_path).iter == 3 * STEPS
    assert f"nothing to resume in {tmp_path}" in logged(tmp_path)


def test_fine_tuning_that_was_stopped_before_it_saved(two, monkeypatch):
    """``--resume`` in a script that is started again and again."""
    start = str(two / "epoch_2.pth")
    cfg = toy_config(two / "tuned", load_from=start)
    cfg.dump(two / "tune.py")
    command = ["train.py", str(two / "tune.py"), "--resume"]
    monkeypatch.setattr(sys, "argv", command)
    load_script("tools/train.py").main()
    log = logged(two / "tuned")
    assert f"starts anew from {start}" in log
    tuned = torch.load(two / "tuned" / "epoch_1.pth", weights_only=True)["state_dict"]
    assert not tuned["weight"].equal(
        torch.load(two / "epoch_1.pth", weights_only=True)["state_dict"]["weight"]
    )


def test_a_broken_one_that_is_named(two):
    flip(two / "epoch_2.pth")
    with pytest.raises(ValueError, match=r"epoch_2\.pth: .*broken.*CRC"):
        resume(two, load_from=str(two / "epoch_2.pth"))


def test_a_new_run_in_an_old_folder_goes_on_from_its_own(two):
    """Not from the highest number."""
    (two / "epoch_2.pth").rename(two / "epoch_50.pth")
    assert resume(two, train_cfg__max_epochs=1)._load_from.endswith("epoch_50.pth")
    (two / "last_checkpoint").write_text(str(two / "epoch_1.pth"))
    assert resume(two)._load_from == str(two / "epoch_1.pth")


def test_starting_files_are_not_needed_when_the_newest_is_broken(two):
    flip(two / "epoch_2.pth")
    start = dict(type="Pretrained", checkpoint=str(two / "deleted.pth"))
    resume(two, model=dict(type="mmengine.Toy", init_cfg=start))
    with pytest.raises(FileNotFoundError, match="deleted"):
        train(two / "new", model=dict(type="mmengine.Toy", init_cfg=start))


def test_what_a_killed_run_left_is_removed_by_training_alone(two):
    process = subprocess.Popen(["true"])
    process.wait()
    left = unfinished_path(two / "epoch_9.pth", process.pid)
    written = unfinished_path(two / "epoch_9.pth", os.getppid())
    for path in (left, written):
        path.write_bytes(b"half")
    cfg = toy_config(two, load_from=str(two / "epoch_2.pth"))
    toy_runner(for_testing(cfg)).test()
    assert left.exists() and written.exists()
    resume(two)
    assert list(two.glob("*.unfinished")) == [written]  # by a process that lives


def test_a_kill_before_the_old_one_was_removed(two):
    """The list of those to keep is saved before that; the next start removes it."""
    (old,) = (two / name for name in ["epoch_1.pth"])
    content = old.read_bytes()
    resume(two, default_hooks__checkpoint__max_keep_ckpts=2)
    assert not old.exists()
    old.write_bytes(content)  # as if the process had ended there
    resume(two, train_cfg__max_epochs=4, default_hooks__checkpoint__max_keep_ckpts=2)
    assert names(two) == {"epoch_3.pth", "epoch_4.pth"}


def test_a_checkpoint_that_needs_trust_is_not_passed_over(tmp_path):
    """It is whole, so an older one that opens is not taken in its place."""
    train(tmp_path)
    newer = read_checkpoint(tmp_path / "epoch_2.pth")
    newer["meta"]["when"] = datetime(2020, 1, 1)
    torch.save(newer, tmp_path / "epoch_2.pth")
    with pytest.raises(ValueError, match=r"^\S+epoch_2\.pth: holds Python.*--trust"):
        resume(tmp_path)
    with trusting(True):
        assert resume(tmp_path)._load_from.endswith("epoch_2.pth")


def test_a_config_that_overrides_custom_hooks(two):
    """All of this is in the one hook that the config keeps."""
    flip(two / "epoch_2.pth")
    runner = resume(two, custom_hooks=[])
    assert runner._load_from == str(two / "epoch_1.pth")
    steps = len(runner.message_hub.get_scalar("train/loss").data[0])
    assert steps == 3 * STEPS  # the history went on, not only the training
    train(two, custom_hooks=[], resume=True, train_cfg__max_epochs=4)


def test_files_of_others_are_not_removed(tmp_path, tmp_path_factory):
    """A checkpoint says which best one, and which older ones, are to be removed."""
    options = dict(
        default_hooks__checkpoint__save_best="acc/top1",
        default_hooks__checkpoint__max_keep_ckpts=1,
    )
    train(tmp_path, scores=[0.1, 0.2], **options)
    precious = tmp_path_factory.mktemp("home") / "best_of_all.pth"
    precious.write_text("precious")
    path = tmp_path / "epoch_2.pth"
    checkpoint = torch.load(path, weights_only=True)
    info = checkpoint["message_hub"]["runtime_info"]
    info["best_ckpt"] = str(precious)
    info["keep_ckpt_ids"] = ["1.pth/../../" + str(precious), 0, 1, 2]
    torch.save(checkpoint, path)
    resume(tmp_path, scores=[0.9], **options)
    assert precious.read_text() == "precious"
    assert (tmp_path / "best_acc_top1_epoch_3.pth").exists()


def test_the_text_that_resume_would_execute_is_gone(two):
    """And nothing else."""
    path = two / "epoch_2.pth"
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["meta"]["config"] = "raise SystemExit"
    torch.save(checkpoint, path)
    loaded = CheckpointLoader.load_checkpoint(str(path), map_location="cpu")
    assert checkpoint["meta"].keys() - loaded["meta"].keys() == {"config"}
    assert checkpoint.keys() == loaded.keys()
