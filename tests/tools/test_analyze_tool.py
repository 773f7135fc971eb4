"""Films as one JSON: every task, a bad file named, what is done kept."""

from __future__ import annotations

import json
import sys

import pytest
import torch
from apis.several_heads import HEADS, make_models
from conftest import load_script
from helpers_media import chirp_sound, write_coded
from mmengine.config import Config

from mmstconv import apis
from mmstconv.apis import analyze, join_tasks, load_recognizer

TOOL = load_script("tools/analyze.py")
JOIN = load_script("tools/join_tasks.py")


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """``{task: (config, checkpoint)}`` of single models of the same streams."""
    folder = tmp_path_factory.mktemp("models")
    _, alone = make_models()
    files = {}
    for name, model in alone.items():
        config, checkpoint = folder / f"{name}.py", folder / f"{name}.pth"
        joint = dict(steps=12, fusion=dict(type="ConcatFusion"))
        cfg = dict(
            model.cfg.model, cls_head=HEADS[name], joint=joint, cached_steps=True
        )
        Config(dict(model=cfg, test_pipeline=model.cfg.test_pipeline)).dump(config)
        meta = dict(dataset_meta=model.dataset_meta)
        torch.save(dict(state_dict=model.state_dict(), meta=meta), checkpoint)
        files[name] = config, checkpoint
    return files


@pytest.fixture(scope="module")
def joined(parts, tmp_path_factory):
    return join_tasks(parts, tmp_path_factory.mktemp("joined") / "joined.pth")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    sound = dict(waveform=chirp_sound(4, 0.5, 16000), sample_rate=16000)
    write_coded(folder / "a.mp4", count=45, fps=10, **sound)
    write_coded(folder / "b.mp4", count=20, fps=10)
    (folder / "text.mp4").write_text("this is no film\n")
    return folder


def call(monkeypatch, tool, *arguments):
    command = [tool.__name__, *map(str, arguments)]
    monkeypatch.setattr(sys, "argv", command)
    try:
        tool.main()
    except SystemExit as left:
        return left.code
    return 0


def test_a_folder_as_one_json(monkeypatch, capsys, joined, folder, tmp_path):
    out = tmp_path / "all.json"
    options = ("--out", out, "--threshold", 0.1, "--share", 0.5, "--top", 2)
    options = (*options, "--device", "cpu")
    assert call(monkeypatch, TOOL, *joined, folder, *options) == 1
    said = capsys.readouterr().err
    assert str(folder / "text.mp4") in said and "1 of 3 files cannot be used" in said
    content = json.loads(out.read_text("utf-8"))
    assert set(content) == {"version", "results"}
    assert set(content["results"]) == {"a", "b"}
    found = content["results"]["a"]
    model = load_recognizer(*map(str, joined), "cpu")
    expected = analyze(model, folder / "a.mp4", threshold=0.1, share=0.5)
    assert found["presence"] == expected.presence
    assert not content["results"]["b"]["presence"]["audio"]
    assert len(found["classes"]) == len(expected.classes.scores) > 2
    for window, scores in zip(found["classes"], expected.classes.scores):
        top = sorted(scores.tolist(), reverse=True)[:2]
        assert list(window["classes"].values()) == pytest.approx(top, abs=1e-4)
    events = [(*one["segment"], one["label"]) for one in found["events"]]
    assert len(events) > 2
    for one, event in zip(events, expected.events, strict=True):
        assert one == (*[pytest.approx(t, abs=1e-3) for t in event[:2]], event.label)
    shots = [[one["start"], one["end"]] for one in found["summary"]["shots"]]
    assert shots == pytest.approx(expected.summary.shots, abs=1e-3)
    assert [one["sentence"] for one in found["captions"]] == [
        one.text for one in expected.captions
    ]
    assert found["captions_of"] == "events"

    read = []
    monkeypatch.setattr(apis, "analyze", lambda *a, **k: read.append(a))
    before = out.read_bytes()
    assert call(monkeypatch, TOOL, *joined, folder, *options) == 1
    assert not read and out.read_bytes() == before  # the journal knows both


def test_nothing_of_others_is_replaced(monkeypatch, joined, folder, tmp_path):
    out = tmp_path / "mine.json"
    out.write_text("{}")
    said = call(monkeypatch, TOOL, *joined, folder / "b.mp4", "--out", out)
    assert "mine.json is there" in said and out.read_text() == "{}"


def test_an_analysis_is_of_a_config_with_its_bases(
    monkeypatch, joined, folder, tmp_path
):
    base, config = tmp_path / "base.py", tmp_path / "own.py"
    config.write_text(f"_base_ = [{str(joined[0])!r}, 'base.py']\n")
    command = (config, joined[1], folder / "b.mp4", "--out", tmp_path / "found.json")
    ended = []
    for note in (3, 3, 4):
        base.write_text(f"note = {note}\n")
        ended.append(call(monkeypatch, TOOL, *command, "--device", "cpu"))
    assert ended[:2] == [0, 0]
    assert "was not written by this command with these weights" in ended[2]


def test_a_model_of_events_scores_no_clips(monkeypatch, parts, folder, tmp_path):
    """Nor does one of sentences; the commands for clips say so, and write nothing."""
    monkeypatch.chdir(tmp_path)
    for name, head in (("events", "EventHead"), ("captions", "CaptionHead")):
        for tool in ("predict", "score_video"):
            used = load_script(f"tools/{tool}.py")
            said = call(monkeypatch, used, *parts[name], folder / "b.mp4")
            assert f"{head}, which gives clips no classes" in str(said), tool
    assert not list(tmp_path.iterdir())


def test_join_tasks(monkeypatch, capsys, parts, tmp_path):
    tasks = [
        x for name in ("events", "summary") for x in ("--task", name, *parts[name])
    ]
    out = tmp_path / "two.pth"
    assert call(monkeypatch, JOIN, *tasks, "--out", out) == 0
    printed = capsys.readouterr().out.split()[-2:]  # a logger speaks, too
    assert printed == [str(out.with_suffix(".py")), str(out)]
    model = load_recognizer(*printed, "cpu")
    assert list(model.cls_head.heads) == ["events", "summary"]
    twice = ["--task", "events", *parts["events"]] * 2
    assert call(monkeypatch, JOIN, *twice, "--out", out) == 2
    assert "each task needs a name of its own" in capsys.readouterr().err
    said = call(monkeypatch, JOIN, *tasks[:4], "--out", tmp_path / "one.pth")
    assert "expected two tasks or more" in said
