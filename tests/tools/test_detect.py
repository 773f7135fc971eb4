"""Events of files as JSON and CSV; a bad file is named; what is done is kept."""

from __future__ import annotations

import csv
import json
import os
import shutil
import sys
from pathlib import Path

import pytest
import torch
from conftest import ROOT, load_script
from helpers_media import chirp_sound, write_coded
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmstconv import apis
from mmstconv.apis import detect, load_recognizer
from mmstconv.media import MediaError

CONFIG = (
    ROOT / "configs/event_detection/demo"
    "/pyramid_stconvnet-lstm_demo-events-rgb-flow-audio.py"
)
NAMES = ["warm, up", "Ärger", "走る", *"defgh"]
TOOL = load_script("tools/detect.py")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    init_default_scope("mmaction")
    torch.manual_seed(2)
    model = MODELS.build(Config.fromfile(CONFIG).model)
    for name, parameter in model.cls_head.named_parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.2)
        if name == "class_tower.out.conv.bias":
            parameter.data.zero_()
    path = tmp_path_factory.mktemp("model") / "model.pth"
    meta = dict(dataset_meta=dict(classes=NAMES))
    torch.save(dict(state_dict=model.state_dict(), meta=meta), path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two films, of which one is silent, and two files that are none."""
    folder = tmp_path_factory.mktemp("films")
    sound = dict(waveform=chirp_sound(5, 0.5, 16000), sample_rate=16000)
    write_coded(folder / "a.mp4", count=60, fps=10, **sound)
    (folder / "below").mkdir()
    write_coded(folder / "below" / "b.mp4", count=40, fps=10)
    (folder / "text.mp4").write_text("this is no film\n")
    (folder / "notes.txt").write_text("not asked for\n")
    return folder


def call(monkeypatch, checkpoint, *arguments):
    command = ["detect.py", CONFIG, checkpoint, *arguments, "--device", "cpu"]
    monkeypatch.setattr(sys, "argv", [str(argument) for argument in command])
    with pytest.raises(SystemExit) as left:
        TOOL.main()
    return left.value.code


def test_a_folder_as_json(monkeypatch, capsys, checkpoint, folder, tmp_path):
    out = tmp_path / "events.json"
    assert call(monkeypatch, checkpoint, folder, "--out", out) == 1
    said = capsys.readouterr().err
    assert str(folder / "text.mp4") in said and "1 of 3 files cannot be used" in said
    found = json.loads(out.read_text("utf-8"))
    assert set(found) == {"version", "results", "external_data"}
    assert set(found["results"]) == {"a", "b"}
    model = load_recognizer(str(CONFIG), str(checkpoint), "cpu")
    expected = sorted(detect(model, folder / "a.mp4"))
    assert len(expected) > 3
    for one, event in zip(found["results"]["a"], expected, strict=True):
        assert one["segment"] == pytest.approx(event[:2], abs=1e-3)
        assert one["label"] == event.label and one["label"] in NAMES
        assert one["score"] == pytest.approx(event.score, abs=1e-5)


def test_csv_some_classes_and_pictures(monkeypatch, checkpoint, folder, tmp_path):
    out, film = tmp_path / "events.csv", folder / "a.mp4"
    options = ("--classes", "走る", NAMES[0], "--figure", "--out", out)
    assert call(monkeypatch, checkpoint, film, *options) == 0
    header, *rows = csv.reader(out.read_text("utf-8").splitlines())
    assert header == ["file", "start", "end", "label", "score"]
    assert rows and {row[0] for row in rows} == {str(film)}
    assert {row[3] for row in rows} <= {"走る", NAMES[0]}
    assert all(0 <= float(row[1]) <= float(row[2]) <= 6.01 for row in rows)
    picture = tmp_path / "events-a.png"
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_what_is_done_is_not_done_again(monkeypatch, checkpoint, folder, tmp_path):
    films = tmp_path / "films"
    shutil.copytree(folder, films)
    (films / "text.mp4").unlink()
    out = tmp_path / "events.json"
    read, real = [], apis.detect

    def interrupted(model, path, **options):
        read.append(path.name)
        if len(read) == 2:
            raise KeyboardInterrupt
        return real(model, path, **options)

    monkeypatch.setattr(apis, "detect", interrupted)
    assert call(monkeypatch, checkpoint, films, "--out", out) not in (0, None)
    first = json.loads(out.read_text("utf-8"))["results"]
    assert read == ["a.mp4", "b.mp4"] and set(first) == {"a"}
    assert call(monkeypatch, checkpoint, films, "--out", out) == 0
    both = json.loads(out.read_text("utf-8"))["results"]
    assert read[2:] == ["b.mp4"] and set(both) == {"a", "b"} and both["a"] == first["a"]
    write_coded(films / "a.mp4", count=30, fps=10)  # another film of that name
    assert call(monkeypatch, checkpoint, films, "--out", out) == 0
    assert read[3:] == ["a.mp4"]


def test_the_journal_outlives_a_kill(monkeypatch, checkpoint, folder, tmp_path):
    """Without a result, and cut off in its last line: only that file is read again."""
    out, journal = tmp_path / "events.json", tmp_path / "events.json.run.jsonl"
    films = folder / "a.mp4", folder / "below" / "b.mp4"
    assert call(monkeypatch, checkpoint, *films, "--out", out) == 0
    whole = out.read_bytes()
    out.unlink()
    journal.write_bytes(journal.read_bytes()[:-9])
    read, real = [], apis.detect

    def counted(model, path, **options):
        read.append(path.name)
        return real(model, path, **options)

    monkeypatch.setattr(apis, "detect", counted)
    for expected in (["b.mp4"], ["b.mp4"]):
        assert call(monkeypatch, checkpoint, *films, "--out", out) == 0
        assert read == expected and out.read_bytes() == whole


def test_a_film_that_was_spoiled_is_no_result(
    monkeypatch, checkpoint, folder, tmp_path
):
    films, out = tmp_path / "films", tmp_path / "events.json"
    shutil.copytree(folder / "below", films)
    shutil.copy(folder / "a.mp4", films)
    assert call(monkeypatch, checkpoint, films, "--out", out) == 0
    assert set(json.loads(out.read_text("utf-8"))["results"]) == {"a", "b"}
    (films / "a.mp4").write_text("this is no film\n")
    assert call(monkeypatch, checkpoint, films, "--out", out) == 1
    assert set(json.loads(out.read_text("utf-8"))["results"]) == {"b"}
    content = out.read_bytes()
    said = call(monkeypatch, checkpoint, films / "none.mp4", "--out", out)
    assert "has the events of other files" in said
    assert out.read_bytes() == content  # nothing new was found


def test_other_files_of_the_same_name_replace_nothing(
    monkeypatch, checkpoint, folder, tmp_path
):
    """Two folders have a file of one name, whose result has one name by default."""
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        shutil.copytree(folder / "below", tmp_path / name)
    assert call(monkeypatch, checkpoint, "one/b.mp4") == 0
    content = Path("b.events.json").read_bytes()
    said = call(monkeypatch, checkpoint, "two/b.mp4")
    assert "b.events.json has the events of other files, one/b.mp4 among them" in said
    assert Path("b.events.json").read_bytes() == content
    assert call(monkeypatch, checkpoint, "one", "two", "--out", "b.events.json") == 0


def test_one_process_at_a_time(monkeypatch, checkpoint, folder, tmp_path):
    """The second is refused before it computes anything."""
    out, journal = tmp_path / "events.json", tmp_path / "events.json.run.jsonl"
    asked, real = [], apis.detect

    def meanwhile(model, path, **options):
        if not asked:
            asked.append(call(monkeypatch, checkpoint, folder / "a.mp4", "--out", out))
        return real(model, path, **options)

    monkeypatch.setattr(apis, "detect", meanwhile)
    assert call(monkeypatch, checkpoint, folder / "a.mp4", "--out", out) == 0
    assert asked == [f"detect: {journal} is being written by another process"]


def test_a_name_that_no_picture_and_no_json_may_have(
    monkeypatch, checkpoint, folder, tmp_path
):
    """No text, a formula, and as long as a file system allows."""
    film = tmp_path / (os.fsdecode(b"\xff$5_{x") + "日" * 80 + ".mp4")
    shutil.copy(folder / "below" / "b.mp4", film)
    out = tmp_path / "events.json"
    assert call(monkeypatch, checkpoint, film, "--figure", "--out", out) == 0
    assert list(json.loads(out.read_bytes())["results"]) == [film.stem]
    assert len(list(tmp_path.glob("events-*.png"))) == 1
    monkeypatch.chdir(tmp_path)  # the result has a name as long
    assert call(monkeypatch, checkpoint, film, "--figure") == 0
    assert len(list(tmp_path.glob("*.png"))) == 2


def test_each_file_has_a_picture(tmp_path):
    """Also files whose paths are the same without slashes."""
    films = [Path(name) for name in ("x/y/a.mp4", "x_y/a.mp4", "b.mp4")]
    results = TOOL.Results(tmp_path / "events.json", {}, films)
    pictures = [results.beside(film, ".png") for film in films]
    assert len({*pictures}) == 3 and pictures[2] == tmp_path / "events-b.png"


def test_after_nothing_was_found_other_options_may_be_tried(
    monkeypatch, checkpoint, folder, tmp_path
):
    out, film = tmp_path / "events.json", folder / "below" / "b.mp4"
    said = call(monkeypatch, checkpoint, film, "--classes", "walk", "--out", out)
    assert "there is no class 'walk'" in said
    assert [one.name for one in tmp_path.glob("[!.]*")] == []
    assert call(monkeypatch, checkpoint, film, "--out", out) == 0


def test_the_result_is_rewritten_a_few_times_only(monkeypatch, tmp_path):
    """What is on disk misses an eighth at most, and no more than that is rewritten."""
    films = [tmp_path / f"{k:04d}.mp4" for k in range(1000)]
    out, sizes, real = tmp_path / "events.csv", [], TOOL.write_own

    def counted(path, text):
        sizes.append(text.count("walk"))
        real(path, text)

    monkeypatch.setattr(TOOL, "write_own", counted)
    results = TOOL.Results(out, dict(hop=None), films)
    with results.at_work():
        for number, film in enumerate(films, 1):
            film.touch()
            event = apis.Detection(0.0, 1.0, "walk", 0.5)
            results.add(film, dict(stamp=TOOL.stamp(film), end=2.0, events=[event]))
            results.write(whole=False)
            assert sizes[-1] >= number * 7 / 8 - 1
    assert sizes[-1] == 1000 and sum(sizes) < 10 * 1000
    again = TOOL.Results(out, dict(hop=None), films)
    assert all(map(again.known, films))


def test_an_error_begins_a_line(monkeypatch, capsys, checkpoint, folder, tmp_path):
    """Also one that comes in the middle of a film."""

    def broken(model, path, progress, **options):
        progress(2.0)
        raise MediaError(str(path), "is torn")

    monkeypatch.setattr(apis, "detect", broken)
    out = tmp_path / "events.json"
    assert call(monkeypatch, checkpoint, folder / "a.mp4", "--out", out) == 1
    said = capsys.readouterr().err.splitlines()
    assert any(line.startswith("detect: ") and "is torn" in line for line in said)
    assert not out.exists()


def test_no_other_file_is_replaced(monkeypatch, checkpoint, folder, tmp_path):
    out, film = tmp_path / "mine.json", folder / "a.mp4"
    out.write_text("{}")
    assert "mine.json is there" in call(monkeypatch, checkpoint, film, "--out", out)
    assert out.read_text() == "{}"
    out, journal = tmp_path / "new.json", tmp_path / "new.json.run.jsonl"
    for mine in ("", "{}\n", "[1, 2]\n[3, 4]\n", "not JSON"):
        journal.write_text(mine)
        said = call(monkeypatch, checkpoint, film, "--out", out)
        assert "new.json.run.jsonl is there" in said
        assert journal.read_text() == mine and not out.exists()
    out = tmp_path / "events.json"
    assert call(monkeypatch, checkpoint, film, "--out", out) == 0
    content = out.read_bytes()
    other = ("--threshold", "0.5")
    said = call(monkeypatch, checkpoint, film, *other, "--out", out)
    assert "delete it, or give another --out" in said
    assert out.read_bytes() == content


def test_what_cannot_be_asked(monkeypatch, capsys, checkpoint, folder, tmp_path):
    film = folder / "a.mp4"
    cases = {
        "must end with .json or .csv": (film, "--out", tmp_path / "events.txt"),
        "there is no class 'walk'": (film, "--classes", "walk", "--out", "a.json"),
        "there are no videos in": (tmp_path, "--out", tmp_path / "b.json"),
    }
    cases["the folder does not exist: no"] = (film, "--out", "no/a.json")
    monkeypatch.chdir(tmp_path)
    for message, arguments in cases.items():
        code = call(monkeypatch, checkpoint, *arguments)
        said = f"{code} {capsys.readouterr().err}"
        assert code not in (0, None) and message in said and "Traceback" not in said
