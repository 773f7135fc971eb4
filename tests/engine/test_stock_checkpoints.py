"""Stock MMEngine's checkpoints with us, and ours with stock MMEngine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import load_script
from engine.stock_parts import stock_config
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader

HERE = Path(__file__).parent
STEPS = 4  # in an epoch


def stock(work_dir, epochs, *flags):
    """A training without us, in a process of its own; what it says."""
    config = work_dir / f"stock_{epochs}.py"
    config.write_text(stock_config(work_dir, epochs) + "\nresume = True\n")
    done = subprocess.run(
        [sys.executable, HERE / "stock_worker.py", config],
        env={
            **os.environ,
            "PYTHONPATH": str(HERE),
            "OMP_NUM_THREADS": "1",
            # torch >= 2.6: stock MMEngine cannot resume its own files otherwise
            **dict.fromkeys(flags, "1"),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def tool(name, *arguments, monkeypatch):
    """A tool of MMAction2, as ``mim run mmstconv mmaction2 NAME`` starts it."""
    monkeypatch.setattr(sys, "argv", ["mmaction2.py", name, *map(str, arguments)])
    monkeypatch.setattr(sys, "path", ["replaced", str(HERE), *sys.path])
    load_script("tools/mmaction2.py").main()


def config(folder, work_dir, epochs, **options):
    path = folder / f"{work_dir.name}_{epochs}.py"
    path.write_text(stock_config(work_dir, epochs, imports=["mmstconv"], **options))
    return path


def test_to_and_fro(tmp_path, monkeypatch):
    """Stock trains, MMAction2's tools go on with us, stock goes on with that."""
    monkeypatch.delenv("MMSTCONV_TRUST", raising=False)
    work_dir = tmp_path / "run"
    work_dir.mkdir()
    stock(work_dir, 1)
    first = work_dir / "epoch_1.pth"
    with pytest.raises(Exception, match=r"HistoryBuffer|numpy"):
        torch.load(first, weights_only=True)

    ours = config(tmp_path, work_dir, 2)
    tool("test", ours, first, monkeypatch=monkeypatch)
    tool("publish_model", first, tmp_path / "toy.pth", monkeypatch=monkeypatch)
    (published,) = tmp_path.glob("toy_*.pth")
    weights = torch.load(published, weights_only=True)["state_dict"]
    assert weights["fc.weight"].shape == (1, 10)

    tool("train", ours, "--resume", monkeypatch=monkeypatch)
    second = torch.load(work_dir / "epoch_2.pth", weights_only=True)
    assert second["numbers"]["best"] == 0.5
    assert second["numbers"]["all"].tolist() == [0, 1, 2]
    assert second["param_schedulers"][0]["last_step"] == 2 * STEPS
    steps = CheckpointLoader.load_checkpoint(str(work_dir / "epoch_2.pth"))
    history = steps["message_hub"]["log_scalars"]["train/loss"]
    assert isinstance(history, HistoryBuffer)
    assert len(history.data[0]) == 2 * STEPS  # from the first epoch on
    tool("test", ours, work_dir / "epoch_2.pth", monkeypatch=monkeypatch)

    stock(work_dir, 3)
    # stock leaves out a history that is no object of its own; the rest goes on
    third = CheckpointLoader.load_checkpoint(str(work_dir / "epoch_3.pth"))
    assert third["meta"]["epoch"] == 3 and third["meta"]["iter"] == 3 * STEPS
    (momentum,) = {
        tuple(sorted(state)) for state in third["optimizer"]["state"].values()
    }
    assert momentum == ("momentum_buffer",)
    assert third["param_schedulers"][0]["last_step"] == 3 * STEPS


def test_an_object_that_nobody_knows(tmp_path, monkeypatch, capsys):
    """Trained with us, it is in the file, and opened where the file is trusted."""
    monkeypatch.delenv("MMSTCONV_TRUST", raising=False)
    work_dir = tmp_path / "noted"
    ours = config(tmp_path, work_dir, 1, unknown=True)
    tool("train", ours, monkeypatch=monkeypatch)
    path = str(work_dir / "epoch_1.pth")
    assert torch.load(path, weights_only=True)["state_dict"]
    assert "note" not in CheckpointLoader.load_checkpoint(path)
    assert "note (Note)" in capsys.readouterr().out
    monkeypatch.setenv("MMSTCONV_TRUST", "1")
    assert type(CheckpointLoader.load_checkpoint(path)["note"]).__name__ == "Note"


def test_a_refusal_is_one_line_with_a_remedy_that_is_there(tmp_path, monkeypatch):
    monkeypatch.delenv("MMSTCONV_TRUST", raising=False)
    path = tmp_path / "x.pth"
    torch.save(dict(state_dict=dict(a=torch.ones(1)), note=slice(1)), path)
    arguments = ("publish_model", path, tmp_path / "out.pth")
    with pytest.raises(SystemExit, match=r"publish_model: \S+x\.pth.*MMSTCONV_TRUST=1"):
        tool(*arguments, monkeypatch=monkeypatch)
    monkeypatch.setenv("MMSTCONV_TRUST", "1")
    tool(*arguments, monkeypatch=monkeypatch)
    assert list(tmp_path.glob("out_*.pth"))
