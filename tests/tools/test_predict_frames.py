"""The command that forecasts frames: its files, a folder of videos, what is kept."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from conftest import ROOT, load_script
from helpers_media import write_coded
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmstconv.apis import FrameForecast, load_recognizer, predict_frames
from mmstconv.disk import unfinished_path
from mmstconv.media import open_media

CONFIG = next((ROOT / "configs/prediction/own_videos").glob("*.py"))
TOOL = load_script("tools/predict_frames.py")
FPS = 10


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    init_default_scope("mmaction")
    torch.manual_seed(1)
    model = MODELS.build(Config.fromfile(CONFIG).model)
    path = tmp_path_factory.mktemp("model") / "model.pth"
    torch.save(dict(state_dict=model.state_dict()), path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three videos, two of one name, and a file that is none."""
    folder = tmp_path_factory.mktemp("videos")
    (folder / "below").mkdir()
    write_coded(folder / "a.mp4", 30, FPS)
    write_coded(folder / "below" / "a.mp4", 30, FPS)
    write_coded(folder / "short.mp4", 12, FPS)
    (folder / "text.mp4").write_text("no video\n" * 100)
    return folder


def call(monkeypatch, checkpoint, *arguments, config=CONFIG):
    command = ["predict_frames.py", *arguments, "--config", config]
    command += ["--checkpoint", checkpoint, "--device", "cpu"]
    monkeypatch.setattr(sys, "argv", [str(argument) for argument in command])
    with pytest.raises(SystemExit) as left:
        TOOL.main()
    return left.value.code


def test_the_files_of_a_forecast(monkeypatch, capsys, checkpoint, folder, tmp_path):
    film = folder / "a.mp4"
    more = ("--at", 1.5, "--frames", 12, "--out", tmp_path)
    assert call(monkeypatch, checkpoint, film, *more) == 0
    assert "last_frame" in capsys.readouterr().out
    out = tmp_path / "a.frames"
    model = load_recognizer(str(CONFIG), str(checkpoint), "cpu")
    expected = predict_frames(model, film, 1.5, frames=12)
    noted = json.loads((out / "forecast.json").read_text())
    assert noted["true_frames"] == 12 and noted["fps"] == FPS
    assert noted["times"] == pytest.approx([1.5 + k / FPS for k in range(12)])
    for name, measures in expected.errors().items():
        for measure, values in measures.items():
            found = noted["errors_by_horizon"][name][measure]
            assert found == pytest.approx(values.tolist(), rel=1e-4), (name, measure)
    assert len(noted["images"]) == 12
    image = cv2.imread(str(out / noted["images"][11]))[..., ::-1]
    last = np.rint(255 * expected.predicted[:, 11].transpose(1, 2, 0))
    assert np.abs(image - last).max() <= 1
    with open_media(out / "side_by_side.mp4") as media:
        assert media.info.fps == pytest.approx(FPS)
        assert media.extent == pytest.approx((0, 20 / FPS), abs=0.01)
    assert cv2.imread(str(out / "sheet.png")) is not None


def test_a_folder_of_files(monkeypatch, capsys, checkpoint, folder, tmp_path):
    """What cannot be used is named; those of one name have folders of their own."""
    assert call(monkeypatch, checkpoint, folder, "--at", 2, "--out", tmp_path) == 1
    said = capsys.readouterr().err
    assert "2 of 4 files cannot be used" in said
    assert "short.mp4 shows 0.00 to 1.20 s: at=2 lies outside" in said
    assert str(folder / "text.mp4") in said
    found = sorted(path.parent.name for path in tmp_path.glob("*/forecast.json"))
    assert len(found) == 2
    assert found[0].endswith("_a.mp4.frames") or found[0].endswith("_a.frames")


def test_once_more_and_over_nothing(monkeypatch, capsys, checkpoint, folder, tmp_path):
    """The same command leaves out what is done; files of the user stay."""
    command = (folder / "a.mp4", "--at", 2, "--out", tmp_path)
    assert call(monkeypatch, checkpoint, *command) == 0
    written = tmp_path / "a.frames" / "forecast.json"
    before = written.stat().st_mtime_ns
    capsys.readouterr()
    assert call(monkeypatch, checkpoint, *command) == 0
    assert "is done" in capsys.readouterr().out
    assert written.stat().st_mtime_ns == before
    other = (folder / "a.mp4", "--at", 1.8, "--out", tmp_path)
    assert call(monkeypatch, checkpoint, *other) == 0  # its own are replaced
    assert json.loads(written.read_text())["times"][0] == 1.8
    sheet = tmp_path / "a.frames" / "sheet.png"
    sheet.write_bytes(b"the user's")
    said = call(monkeypatch, checkpoint, *command)
    assert "sheet.png is there and was not written" in said
    assert sheet.read_bytes() == b"the user's"
    assert json.loads(written.read_text())["times"][0] == 1.8


def test_a_forecast_is_of_a_config_with_its_bases(
    monkeypatch, capsys, checkpoint, folder, tmp_path
):
    base, config = tmp_path / "base.py", tmp_path / "own.py"
    config.write_text(f"_base_ = [{str(CONFIG)!r}, 'base.py']\n")
    command, said = (folder / "a.mp4", "--at", 2, "--out", tmp_path), []
    for note in (3, 3, 4):
        base.write_text(f"note = {note}\n")
        assert call(monkeypatch, checkpoint, *command, config=config) == 0
        said.append("is done" in capsys.readouterr().out)
    assert said == [False, True, False]


def test_each_file_has_a_folder_that_the_file_system_takes(tmp_path):
    """Paths that are the same without slashes, and names as long as can be."""
    names = ("x/y/a.mp4", "x_y/a.mp4", "../a.mp4", "b.mp4", "日" * 83 + ".mp4")
    folders = TOOL.folders_of([Path(name) for name in names], tmp_path)
    assert len({*folders.values()}) == len(names)
    for folder in folders.values():
        folder.mkdir()
        assert folder.parent == tmp_path and folder.suffix == ".frames"
    assert folders[Path("b.mp4")] == tmp_path / "b.frames"
    assert folders[Path("../a.mp4")] == tmp_path / "__a.mp4.frames"


def test_no_picture_is_left_of_a_longer_forecast(
    monkeypatch, checkpoint, folder, tmp_path
):
    """But for one of the user's."""
    command = (folder / "a.mp4", "--at", 2, "--out", tmp_path)
    assert call(monkeypatch, checkpoint, *command, "--frames", 11) == 0
    out = tmp_path / "a.frames"
    (out / "predicted_010.png").write_bytes(b"the user's")
    assert call(monkeypatch, checkpoint, *command) == 0
    there = sorted(path.name for path in out.glob("predicted_*"))
    images = json.loads((out / "forecast.json").read_text())["images"]
    assert there == [*images, "predicted_010.png"] and len(images) == 8


def test_a_model_that_forecasts_no_frames_is_said_once(
    monkeypatch, capsys, checkpoint, folder, tmp_path
):
    monkeypatch.setattr(TOOL, "load", lambda args: torch.nn.Identity())
    said = call(monkeypatch, checkpoint, folder, "--at", 2, "--out", tmp_path)
    assert "the model is a Identity, which forecasts no frames" in str(said)
    assert "cannot be used" not in capsys.readouterr().err


def test_errors_are_computed_once(monkeypatch, checkpoint, folder, tmp_path):
    asked, real = [], FrameForecast.errors

    def counted(forecast):
        asked.append(forecast)
        return real(forecast)

    monkeypatch.setattr(FrameForecast, "errors", counted)
    more = ("--at", 2, "--out", tmp_path)
    assert call(monkeypatch, checkpoint, folder / "a.mp4", *more) == 0
    assert len(asked) == 1


def test_a_full_disk_is_not_a_file_that_cannot_be_used(
    monkeypatch, checkpoint, folder, tmp_path
):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(TOOL, "write_media", full)
    films = folder / "a.mp4", folder / "below" / "a.mp4"
    said = call(monkeypatch, checkpoint, *films, "--at", 2, "--out", tmp_path)
    assert "No space left" in str(said)


def test_arguments(monkeypatch, capsys, checkpoint, folder):
    film = folder / "a.mp4"
    assert call(monkeypatch, checkpoint, film) == 2
    assert "--at" in capsys.readouterr().err
    assert call(monkeypatch, checkpoint, film, "--at", 1, "--frames", 0) == 2
    assert "--frames must be at least 1" in capsys.readouterr().err


def test_times_as_players_show_them(monkeypatch, capsys, checkpoint, folder):
    for text, seconds in {
        "62.5": 62.5, "1:02.5": 62.5, "0:01:02.5": 62.5, "1:00:00": 3600, "-1.5": -1.5
    }.items():  # fmt: skip
        assert TOOL.seconds_of(text) == seconds, text
    taken = []
    for text in (
        "nan",
        "inf",
        "1,5",
        "1:2:3:4",
        "-1:30",
        "1:-3",
        "1.5:00",
        ":",
        "",
        "x",
    ):
        if call(monkeypatch, checkpoint, folder / "a.mp4", f"--at={text}") != 2:
            taken.append(text)
        if "such as 62.5 or 1:02.5" not in capsys.readouterr().err:
            taken.append(text)
    assert not taken


def test_what_a_killed_command_left_goes(monkeypatch, checkpoint, folder, tmp_path):
    command = (folder / "a.mp4", "--at", 2, "--out", tmp_path)
    out = tmp_path / "a.frames"
    out.mkdir()
    with subprocess.Popen(["true"]) as gone:
        left = unfinished_path(out / "sheet.png", gone.pid)
    left.touch()
    assert call(monkeypatch, checkpoint, *command) == 0
    assert not left.exists() and (out / "sheet.png").exists()
