"""tools/init.py: its arguments, and what it says to run next."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from conftest import load_script

from mmstconv.apis.init import Started

TOOL = load_script("tools/init.py")


def test_next_commands_may_be_copied():
    """Whatever letters names have, a shell reads each as one word."""
    config, video = Path("it's new/my videos.py"), Path("my videos/$(x) *.mp4")
    counts = dict(train=3, val=1, test=1)
    started = Started(config, Path("it's new/run"), 45, counts, video, [])
    read = [shlex.split(command) for command in TOOL.next_commands(started)]
    checkpoint = "it's new/run/epoch_45.pth"
    assert read == [
        ["mmstconv", "train", str(config)],
        ["mmstconv", "test", str(config), checkpoint],
        ["mmstconv", "report", str(config), checkpoint],
        ["mmstconv", "predict", str(config), checkpoint, str(video)],
    ]


def test_mistakes_are_told_at_once(tmp_path, monkeypatch, capsys):
    for words, said in (
        ([str(tmp_path / "none")], "there is no folder"),
        ([str(tmp_path), "--workers", "0"], "must be 1 or more"),
        (["s3://bucket/videos"], "is not on this machine"),
    ):
        monkeypatch.setattr("sys.argv", ["init", *words])
        with pytest.raises(SystemExit) as end:
            TOOL.parse_args()
        assert said in f"{end.value.code} {capsys.readouterr().err}"
