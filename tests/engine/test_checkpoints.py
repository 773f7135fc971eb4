"""What is saved, and in which order files come and go."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
import torch
from engine.toy_training import names, train
from mmengine.hooks import Hook

from mmstconv.engine.whole_files import write_whole

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
