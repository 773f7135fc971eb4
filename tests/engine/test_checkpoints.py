"""What is saved, what is removed, and what a run goes on from."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
import torch
from conftest import load_script
from engine.toy_run import STEPS, for_testing, toy_config, toy_runner
from mmengine.hooks import Hook
from mmengine.runner import CheckpointLoader

from mmstconv.checkpoints.reading import read_checkpoint
from mmstconv.checkpoints.trust import trusting
from mmstconv.disk import unfinished_path
from mmstconv.engine.files import write_whole


def names(folder: Path) -> set[str]:
    """Files of a folder, without the config that MMEngine puts there."""
    return {path.name for path in folder.iterdir() if path.suffix not in ("", ".py")}


def logged(work_dir: Path) -> str:
    """All that the runs of a folder have logged."""
    return "".join(path.read_text() for path in sorted(work_dir.glob("*/*.log")))


def train(work_dir: Path, *hooks: Hook, scores=None, **options):
    runner = toy_runner(toy_config(work_dir, scores, **options))
    for hook in hooks:
        runner.register_hook(hook)
    runner.train()
    return runner


def resume(work_dir: Path, **options):
    """One epoch more."""
    options = {"resume": True, "train_cfg__max_epochs": 3, **options}
    return train(work_dir, **options)


CASES = {
    "every epoch": {},
    "all kept": {"max_keep_ckpts": -1},
    "steps": {"by_epoch": False, "interval": 3, "max_keep_ckpts": 2},
    "from the third on": {"by_epoch": False, "interval": 2, "save_begin": 3},
    "no last": {"interval": 3, "save_last": False},
    "names": {"filename_tmpl": "e{:03d}.pt", "max_keep_ckpts": 1},
    "best": {"save_best": "acc/top1", "max_keep_ckpts": 1},
    "bests": {"save_best": ["acc/top1", "auto"][:1], "rule": "less"},
    "published": {"published_keys": ["meta", "state_dict"], "save_best": "auto"},
    "elsewhere": {"out_dir": "OUT", "max_keep_ckpts": 1},
}


@pytest.mark.parametrize("options", CASES.values(), ids=CASES)
def test_files_and_contents_are_those_of_mmengine(tmp_path, options):
    """Of two runs that differ in the hook alone."""
    seen = []
    for hook in ("CheckpointHook", "AtomicCheckpointHook"):
        root = tmp_path / hook
        out = root / "out"
        settings = {
            f"default_hooks__checkpoint__{key}": str(out) if value == "OUT" else value
            for key, value in options.items()
        }
        runner = train(
            root / "run",
            scores=[0.2, 0.5, 0.4, 0.6],
            train_cfg__max_epochs=4,
            default_hooks__checkpoint__type=hook,
            custom_hooks=[dict(type="SafeCheckpointHook")],  # for MMEngine's
            **settings,
        )
        folder = out / "run" if out.exists() else root / "run"
        # published files have the check sum of their content, with times, in the name
        files = {name.split("-")[0] for name in names(folder) | names(root / "run")}
        pointer = root / "run" / "last_checkpoint"
        last = pointer.read_text() if pointer.exists() else None
        hub = runner.message_hub.runtime_info
        own = {key: hub.get(key) for key in ("keep_ckpt_ids", "best_score")}
        own["best_ckpt"] = hub.get("best_ckpt") and Path(hub["best_ckpt"]).name
        state = None
        if last is not None:
            saved = torch.load(last, weights_only=True)
            state = (set(saved), saved["meta"]["epoch"], saved["meta"]["iter"])
            state += (saved["state_dict"]["weight"].tolist(),)
        seen.append((files, last and Path(last).name, own, state))
    assert seen[0] == seen[1]
    assert seen[0][0]


class Watch(Hook):
    """What is in the folder whenever a checkpoint is about to be written."""

    def __init__(self, folder):
        self.folder, self.seen = folder, []

    def before_save_checkpoint(self, runner, checkpoint):
        files = {n.split(".p")[0] for n in names(self.folder) if n.endswith(".pth")}
        self.seen.append(files)


def test_the_old_one_is_there_while_the_new_one_is_written(tmp_path):
    watch = Watch(tmp_path)
    train(
        tmp_path,
        watch,
        scores=[0.1, 0.2, 0.3],
        train_cfg__max_epochs=3,
        default_hooks__checkpoint__max_keep_ckpts=1,
        default_hooks__checkpoint__save_best="acc/top1",
    )
    best = [f"best_acc_top1_epoch_{epoch}" for epoch in (1, 2, 3)]
    assert (
        watch.seen
        == [
            set(),  # epoch 1, its best, epoch 1 again, which now knows of its best
            {"epoch_1"},
            {"epoch_1", best[0]},
            {"epoch_1", best[0]},
            {"epoch_2", best[0]},
            {"epoch_2", *best[:2]},
            {"epoch_2", best[1]},
            {"epoch_3", best[1]},
            {"epoch_3", *best[1:]},
        ]
    )
    assert names(tmp_path) == {"epoch_3.pth", f"{best[2]}.pth"}


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path):
    path = tmp_path / "epoch_1.pth"
    path.write_bytes(b"before")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3, limits[1]))
    try:
        with pytest.raises(OSError, match=r"epoch_1\.pth was not written: File too l"):
            write_whole(path, b"after")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == b"before" and names(tmp_path) == {path.name}
    write_whole(path, b"after")
    assert path.read_bytes() == b"after" and names(tmp_path) == {path.name}


# -- what a run goes on from --


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


# -- whose weights --


def remark(log: str, words: str) -> list[str]:
    """The lines of the only remark in a log that says this."""
    lines = log.splitlines()
    (first,) = (row for row, line in enumerate(lines) if words in line)
    last = first + 1
    while last < len(lines) and lines[last].startswith(("  ", "(")):
        last += 1
    return lines[first:last]


def test_missing_weights(two, capsys):
    """An error when testing or resuming; a few lines when starting from them."""
    more = dict(model=dict(type="mmengine.Toy", parts=20))
    named = dict(more, load_from=str(two / "epoch_2.pth"))
    said = r"(?s)epoch_2\.pth: 40 of the model's 42 tensors are not in the checkpoint:"
    with pytest.raises(ValueError, match=said):
        toy_runner(for_testing(toy_config(two / "test", **named))).test()
    with pytest.raises(ValueError, match=said):
        resume(two / "resumed", **named)
    train(two / "tuned", **named)
    lines = remark(logged(two / "tuned"), "tensors are not in the checkpoint")
    assert "  parts.0.*: 2" in lines and "  ... and 32 more" in lines
    assert len(lines) == 7 and "stay as they were" in lines[-1]
    assert "do not match exactly" not in capsys.readouterr().out  # MMEngine's list


def test_weights_without_a_place(tmp_path, capsys):
    train(tmp_path, model=dict(type="mmengine.Toy", parts=20))
    cfg = toy_config(tmp_path / "test", load_from=str(tmp_path / "epoch_2.pth"))
    toy_runner(for_testing(cfg)).test()
    lines = remark(logged(tmp_path / "test"), "have no place in the model")
    assert "40 of the checkpoint's 42 tensors" in lines[0] and len(lines) == 6
    assert "do not match exactly" not in capsys.readouterr().out


def test_weights_come_through_bit_for_bit(two):
    saved = torch.load(two / "epoch_2.pth", weights_only=True)["state_dict"]
    cfg = for_testing(toy_config(two / "test", load_from=str(two / "epoch_2.pth")))
    runner = toy_runner(cfg)
    runner.test()
    for key, value in runner.model.state_dict().items():
        assert value.equal(saved[key])


def test_the_text_that_resume_would_execute_is_gone(two):
    """And nothing else."""
    path = two / "epoch_2.pth"
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["meta"]["config"] = "raise SystemExit"
    torch.save(checkpoint, path)
    loaded = CheckpointLoader.load_checkpoint(str(path), map_location="cpu")
    assert checkpoint["meta"].keys() - loaded["meta"].keys() == {"config"}
    assert checkpoint.keys() == loaded.keys()
