"""Every window is a line; what is interrupted goes on."""

from __future__ import annotations

import csv
import sys

import pytest
import torch
from conftest import ROOT, load_script
from helpers_remote import http_site
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmstconv import apis
from mmstconv.media import MediaError

CONFIG = (
    ROOT / "configs/recognition/demo/stconvnet_unpadded-lstm_demo-rgb-flow-audio.py"
)
NAMES = ["warm, up", "Ärger", "走る", *"defgh"]
TOOL = load_script("tools/score_video.py")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    init_default_scope("mmaction")
    model = MODELS.build(Config.fromfile(CONFIG).model)
    path = tmp_path_factory.mktemp("model") / "model.pth"
    meta = dict(dataset_meta=dict(classes=NAMES))
    torch.save(dict(state_dict=model.state_dict(), meta=meta), path)
    return path


@pytest.fixture(scope="module")
def video(demo_data):
    return min((demo_data / "val").iterdir())


def call(monkeypatch, *arguments):
    command = ["score_video.py", CONFIG, *arguments, "--device", "cpu"]
    monkeypatch.setattr(sys, "argv", [str(argument) for argument in command])
    TOOL.main()


def test_writes_and_goes_on(monkeypatch, checkpoint, video, tmp_path):
    out = tmp_path / "scores.csv"
    command = (checkpoint, video, "--hop", "2", "--out", out)
    call(monkeypatch, *command)
    whole = out.read_text("utf-8")
    header, *rows = csv.reader(whole.splitlines())
    assert header == ["start", "end", *NAMES]  # kept in the checkpoint
    assert len(rows) > 2
    for k, row in enumerate(rows):
        assert float(row[1]) - float(row[0]) == pytest.approx(1, abs=1e-3)
        assert float(row[0]) - float(rows[0][0]) == pytest.approx(k / 8, abs=2e-3)
        assert sum(map(float, row[2:])) == pytest.approx(1, abs=1e-4)

    lines = whole.splitlines(keepends=True)
    cut = "".join(lines[:3]) + lines[3][:9]  # killed while it wrote
    out.write_text(cut, "utf-8")
    call(monkeypatch, *command)
    again = list(csv.reader(out.read_text("utf-8").splitlines()))
    assert [row[:2] for row in again[1:]] == [row[:2] for row in rows]
    for one, other in zip(again[1:], rows):
        assert [float(x) for x in one] == pytest.approx(
            [float(x) for x in other], abs=2e-5
        )
    call(monkeypatch, *command)  # nothing is left to do
    assert list(csv.reader(out.read_text("utf-8").splitlines())) == again


def test_a_film_of_a_server(monkeypatch, checkpoint, video, tmp_path):
    """The same lines as of the file; the name has no part of the address."""
    pytest.importorskip("aiohttp")
    monkeypatch.chdir(tmp_path)
    call(monkeypatch, checkpoint, video, "--hop", "8", "--out", "here.csv")
    with http_site() as site:
        site.files["/film.mp4"] = video.read_bytes()
        url = site.url + "film.mp4?signature=hunter2"
        for _ in range(2):  # written, and found done
            call(monkeypatch, checkpoint, url, "--hop", "8")
    there = (tmp_path / "film.scores.csv").read_text()
    assert there == (tmp_path / "here.csv").read_text()
    described = (tmp_path / "film.scores.csv.run.json").read_text()
    assert "film.mp4" in described and "hunter2" not in described


def test_several_classes_are_probabilities_each(
    monkeypatch, checkpoint, video, tmp_path
):
    """Sigmoids, whether the head averages these or logits."""
    found = {}
    for average in ("prob", "score"):
        config = tmp_path / f"{average}.py"
        config.write_text(
            f"_base_ = [{str(CONFIG)!r}]\n"
            "model = dict(cls_head=dict(multi_class=True, "
            f"average_clips={average!r}))\n"
        )
        monkeypatch.setitem(globals(), "CONFIG", config)
        out = tmp_path / f"{average}.csv"
        call(monkeypatch, checkpoint, video, "--hop", "8", "--out", out)
        monkeypatch.undo()
        _, *rows = csv.reader(out.read_text("utf-8").splitlines())
        found[average] = [[float(value) for value in row[2:]] for row in rows]
    for row, other in zip(found["prob"], found["score"], strict=True):
        assert all(0.3 < value < 0.7 for value in row)  # untrained: each near a half
        assert row == pytest.approx(other, abs=2e-6)


def test_another_run_is_not_continued(monkeypatch, checkpoint, video, tmp_path):
    out = tmp_path / "scores.csv"
    call(monkeypatch, checkpoint, video, "--hop", "4", "--out", out)
    before = out.read_text()
    with pytest.raises(SystemExit, match="was not written by this command"):
        call(monkeypatch, checkpoint, video, "--hop", "2", "--out", out)
    assert out.read_text() == before


def test_errors_are_one_line(monkeypatch, checkpoint, video, tmp_path):
    out = tmp_path / "scores.csv"
    with pytest.raises(SystemExit, match="hop must be a multiple of 2"):
        call(monkeypatch, checkpoint, video, "--hop", "3", "--out", out)
    with pytest.raises(SystemExit, match=r"none\.mp4"):
        call(monkeypatch, checkpoint, tmp_path / "none.mp4", "--out", out)


def test_nothing_of_the_user_is_written_over(monkeypatch, checkpoint, video, tmp_path):
    """Neither a file of another kind, nor what is beside it, nor what was edited."""
    out = tmp_path / "scores.csv"
    command = (checkpoint, video, "--hop", "4", "--out", out)
    run_file = tmp_path / "scores.csv.run.json"
    link = tmp_path / "link.csv"
    link.symlink_to(run_file)
    for path, content in ((run_file, b"[1]"), (out, b"mine"), (link, None)):
        if content is not None:
            path.write_bytes(content)
        target = path if path == link else out
        with pytest.raises(SystemExit, match="is there and was not written by this"):
            call(monkeypatch, *command[:-1], target)
        if content is not None:
            assert path.read_bytes() == content
            path.unlink()
            assert not out.exists()
        else:
            assert link.is_symlink()
    call(monkeypatch, *command)
    whole = out.read_bytes()
    lines = whole.splitlines(keepends=True)
    for edited in (b"mine\nand more", lines[0] + b"# remark\n", lines[0] + b"1,2\n"):
        out.write_bytes(edited)
        with pytest.raises(SystemExit, match="was not written by this command"):
            call(monkeypatch, *command)
        assert out.read_bytes() == edited
    for cut in (0, 3, len(lines[0]), len(lines[0]) + 5):  # killed while it wrote
        out.write_bytes(whole[:cut])
        call(monkeypatch, *command)
        assert out.read_bytes().splitlines()[0] == whole.splitlines()[0]
        assert out.read_bytes().count(b"\n") == len(lines)
    with TOOL.only_writer(out), pytest.raises(SystemExit, match="by another process"):
        call(monkeypatch, *command)


def test_an_error_before_the_first_window_leaves_no_file(
    monkeypatch, checkpoint, video, tmp_path
):
    """What was left would refuse other options; an empty file that was there stays."""

    def broken(*args, **kwargs):
        raise MediaError(str(video), "broke when it was read")
        yield

    out = tmp_path / "scores.csv"
    for before in ([], [out]):
        with monkeypatch.context() as patched, pytest.raises(SystemExit) as said:
            patched.setattr(apis, "score_video", broken)
            call(patched, checkpoint, video, "--out", out)
        assert "broke when it was read" in str(said.value)
        assert [*tmp_path.iterdir()] == before
        out.touch()
    assert out.read_bytes() == b""
    call(monkeypatch, checkpoint, video, "--out", out)
    assert out.read_bytes().count(b"\n") > 1
