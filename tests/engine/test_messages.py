"""A user's mistake is one message, a mistake of the program a trace."""

from __future__ import annotations

import logging

import pytest
import torch
from conftest import ROOT, as_flags, data_options, load_script
from mmaction.registry import MODELS
from mmengine.logging import MMLogger
from torch.utils.data import DataLoader, Dataset

from mmstconv.engine.messages import is_a_users, message_of, short_errors

CONFIG = ROOT / "configs/recognition/demo/stconvnet_lstm_demo-audio.py"


@pytest.fixture
def train(demo_data, tmp_path, monkeypatch):
    """What ``train`` prints at its end when an option of the config is wrong."""

    def run(option, value, *flags):
        MMLogger._instance_dict.clear()  # of the run before
        options = {**data_options(demo_data), option: value}
        command = ["train.py", CONFIG, "--work-dir", tmp_path / "w", *flags]
        command += as_flags(options)
        monkeypatch.setattr("sys.argv", [str(part) for part in command])
        with pytest.raises(SystemExit) as left:
            load_script("tools/train.py").main()
        return str(left.value.code)

    return run


def test_mistakes_of_a_user(train, tmp_path):
    """The message names what is wrong, and the log file has the whole trace."""
    for option, value, words in (
        ("train_dataloader.dataset.ann_file", "no.txt", "not found: no.txt"),
        (
            "train_dataloader.dataset.data_prefix.video",
            "no",
            "folder no does not exist",
        ),
        ("train_dataloader.dataset.num_classes", 2, "is outside the 2 classes"),
        ("train_dataloader.dataset.num_classes", 9, "the model has 8 classes"),
        ("load_from", "no.pth", "no.pth"),
        ("model.joint.fusion.type", "Nothing", "no operator 'Nothing'"),
        ("model.cls_head.type", "Nothing", "there is no 'Nothing' in the registry"),
        ("model.data_preprocessor.preprocessors.audio.meen", "[1]", "argument 'meen'"),
        ("train_dataloader.foo", 1, "'foo'"),
        ("val_dataloader", "None", "val_dataloader"),
    ):
        message = train(option, value)
        assert message.startswith("train: ") and words in message, (option, message)
        assert "Traceback" not in message and len(message) < 2500
        logs = [path for path in tmp_path.glob("w/*/*.log")]
        if "whole trace" in message:
            assert any("Traceback (most" in path.read_text() for path in logs), option
        for path in logs:
            path.unlink()


def test_the_trace_comes_back(monkeypatch, capsys):
    def fail():
        with short_errors("train"):
            MODELS.build(dict(type="NoSuchModel"))

    with pytest.raises(SystemExit, match="train: there is no 'NoSuchModel'"):
        fail()
    monkeypatch.setattr("sys.argv", ["train.py", "--traceback"])
    with pytest.raises(KeyError):
        fail()
    monkeypatch.setattr("sys.argv", ["train.py"])
    monkeypatch.setenv("MMSTCONV_TRACEBACK", "1")
    with pytest.raises(KeyError):
        fail()


def test_mistakes_of_the_program_keep_their_trace():
    def mistake(call):
        with pytest.raises(Exception) as caught, short_errors("train"):
            call()
        return caught.value

    for call in (
        lambda: torch.ones(2, 3) @ torch.ones(2, 3),
        lambda: {}["media"],
        lambda: [][0],
        lambda: None.shape,
        lambda: int("x"),
        lambda: MODELS.build(dict(type="ConcatFusion", **{}), 3, 4),
    ):
        assert not is_a_users(mistake(call))


def test_interrupted(capsys):
    with pytest.raises(SystemExit) as left, short_errors("train", "--resume goes on"):
        raise KeyboardInterrupt
    assert left.value.code == 130
    assert capsys.readouterr().err == "\ntrain: interrupted: --resume goes on\n"


class Bad(Dataset):
    def __init__(self, error):
        self.error = error

    def __len__(self):
        return 1

    def __getitem__(self, index):
        if self.error == "users":
            MODELS.build(dict(type="SumFusoin"))
        return {}["media"]


def test_errors_of_loader_processes():
    """They come as text, with a trace in it."""
    for name, expected in (("users", True), ("programs", False)):
        with pytest.raises(KeyError) as caught:
            next(iter(DataLoader(Bad(name), num_workers=1)))
        assert is_a_users(caught.value) is expected
    with pytest.raises(KeyError) as caught:
        next(iter(DataLoader(Bad("users"), num_workers=1)))
    message = message_of(caught.value)
    assert "did you mean 'SumFusion'" in message and "\n" not in message


def test_long_messages_are_cut():
    error = ValueError("\n".join(map(str, range(100))))
    assert message_of(error).splitlines()[-1] == "... and 76 lines more"


def test_the_log_gets_the_trace_and_the_screen_does_not(tmp_path, capsys):
    MMLogger.get_instance("x", log_file=str(tmp_path / "x.log"))
    with pytest.raises(SystemExit, match=r"the whole trace: .*x\.log"):
        with short_errors("train"):
            raise OSError("the disk is gone")
    assert "in test_the_log" in (tmp_path / "x.log").read_text()
    assert "Traceback" not in "".join(capsys.readouterr())
    logging.shutdown()
