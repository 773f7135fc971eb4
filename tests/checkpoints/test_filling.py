"""Whose weights a run takes, and what it says of those that do not match."""

from __future__ import annotations

import pytest
import torch
from engine.toy_run import for_testing, toy_config, toy_runner
from engine.toy_training import logged, resume, train

from mmstconv.checkpoints.filling import fill


@pytest.fixture
def two(tmp_path):
    """A run of two epochs that have both been saved."""
    train(tmp_path)
    return tmp_path


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


def test_what_to_start_anew_is_named():
    """A classifier for each modality is a part of the joint, not of the head."""

    class Model(torch.nn.Module):
        def __init__(self, classes, wide=4):
            super().__init__()
            self.cls_head = torch.nn.Linear(4, classes)
            self.joint = torch.nn.ModuleDict({"fusion": torch.nn.Linear(wide, classes)})

    with pytest.raises(ValueError, match=r"reinit=\['cls_head', 'joint.fusion'\]"):
        fill(Model(3), Model(5).state_dict(), complete=False)
    with pytest.raises(ValueError, match=r"reinit=\['joint.fusion'\]"):
        fill(Model(3), Model(3, wide=5).state_dict(), complete=False)
