"""Several files at once: a bad one is named and the others are recognised."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from conftest import load_script
from helpers_media import chirp_sound, write_coded
from helpers_models import DEMO_AUDIO, save_demo_audio

from mmstconv.datasets.transforms import opening as opening_module
from mmstconv.media import open_media

predict = load_script("tools/predict.py")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return save_demo_audio(tmp_path_factory.mktemp("model"))


def call(monkeypatch, checkpoint, *videos):
    arguments = ["predict.py", DEMO_AUDIO, checkpoint, "--device", "cpu", *videos]
    monkeypatch.setattr(sys, "argv", [str(argument) for argument in arguments])
    with pytest.raises(SystemExit) as left:
        predict.main()
    return left.value.code


def test_goes_on_after_a_bad_file(monkeypatch, capsys, checkpoint, demo_data, tmp_path):
    good = sorted((demo_data / "val").iterdir())[:2]
    bad = [tmp_path / "text.mp4", tmp_path / "none.mp4"]
    bad[0].write_text("this is no film\n")
    assert call(monkeypatch, checkpoint, good[0], *bad, good[1]) == 1
    output = capsys.readouterr()
    for path in good:
        assert f"{path} (audio)" in output.out
    assert output.out.count("%") == 6  # three classes of each
    for path in bad:
        assert str(path) in output.err and str(path) not in output.out
    assert "predict: 2 of 4 files cannot be used" in output.err
    assert not call(monkeypatch, checkpoint, *good)
    assert "predict:" not in capsys.readouterr().err


def test_a_damaged_file_is_used_with_a_warning(
    monkeypatch, capsys, checkpoint, tmp_path
):
    whole, cut = tmp_path / "whole.mp4", tmp_path / "cut.mp4"
    options = {"movflags": "frag_keyframe+empty_moov"}
    sound = dict(waveform=chirp_sound(2, 0.5, 16000), sample_rate=16000)
    write_coded(whole, **sound, container_options=options)
    content = whole.read_bytes()
    cut.write_bytes(content[: len(content) * 2 // 3])
    assert call(monkeypatch, checkpoint, cut, whole) == 0
    output = capsys.readouterr()
    assert f"{cut} (audio)" in output.out and f"{whole} (audio)" in output.out
    assert f"predict: {cut}: is cut short" in output.err
    assert str(whole) not in output.err


def test_a_mistake_of_the_program_is_no_bad_file(monkeypatch, checkpoint, demo_data):
    def fail(*args, **kwargs):
        raise KeyError("media")

    monkeypatch.setattr("mmstconv.datasets.transforms.opening.open_media", fail)
    with pytest.raises(KeyError):
        call(monkeypatch, checkpoint, min((demo_data / "val").iterdir()))


def test_every_kind_of_result_says_the_same(
    monkeypatch, capsys, checkpoint, demo_data, tmp_path
):
    parquet = pytest.importorskip("pyarrow.parquet")
    files = sorted((demo_data / "val").iterdir())[:3]
    bad = tmp_path / "bad.mp4"
    bad.write_text("no film")
    name, listed = os.fspath, tmp_path / "list.txt"
    listed.write_text(f"{files[0]} 3\n{bad} 1\n{files[1]}\n{files[2]} 0 4\n")
    ask = ["--list", listed, "--batch-size", 2, "--top", 2]
    assert call(monkeypatch, checkpoint, *ask, "--json") == 1
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["file"] for one in printed] == [
        name(f) for f in (files[0], bad, *files[1:])
    ]
    assert "bad.mp4" in printed[1]["error"] and printed[1]["classes"] is None
    for suffix in (".jsonl", ".csv", ".parquet", ".txt"):
        assert (
            call(monkeypatch, checkpoint, *ask, "--out", tmp_path / f"a{suffix}") == 1
        )
    lines = (tmp_path / "a.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == printed
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    table = parquet.read_table(tmp_path / "a.parquet").to_pylist()
    assert len(rows) == len(table) == 7  # two classes of each good file
    for row, other in zip(rows, table):
        assert row.keys() == other.keys()
        assert row == {k: "" if v is None else str(v) for k, v in other.items()}
    shown = [(one["file"], c["name"], c["score"]) for one in printed if one["classes"]
             for c in one["classes"]]  # fmt: skip
    assert [(r["file"], r["label"], r["score"]) for r in table if r["label"]] == shown
    text = (tmp_path / "a.txt").read_text()
    assert all(name(path) in text for path in (*files, bad))


def test_a_run_goes_on(monkeypatch, capsys, checkpoint, demo_data, tmp_path):
    files, out = sorted((demo_data / "val").iterdir())[:4], tmp_path / "a.csv"
    assert call(monkeypatch, checkpoint, *files[:2], "--out", out) == 0
    first = out.read_text()
    opened = []
    opening = "mmstconv.datasets.transforms.opening.open_media"
    real = opening_module.open_media

    def note(path, *args, **kwargs):
        opened.append(path)
        return real(path, *args, **kwargs)

    monkeypatch.setattr(opening, note)
    assert call(monkeypatch, checkpoint, *files, "--out", out) == 0
    assert opened == [os.fspath(path) for path in files[2:]]
    assert out.read_text().startswith(first)
    out.write_text("mine")
    assert call(monkeypatch, checkpoint, *files, "--out", out) not in (0, 2)
    assert out.read_text() == "mine"


def test_jobs_make_one_result(monkeypatch, capsys, checkpoint, demo_data, tmp_path):
    """A table of a job each, and of all by the command that names no job."""
    films, jobs, whole = (tmp_path / name for name in ("films", "jobs", "whole"))
    for folder in (films / "below", jobs, whole):
        folder.mkdir(parents=True)
    good = sorted((demo_data / "val").iterdir())[:3]
    (films / "c.mp4").write_text("no film")
    kinds = [".txt", ".jsonl", ".csv"]
    kinds += [".parquet"] if importlib.util.find_spec("pyarrow") else []
    for kind in kinds:
        out, parts = f"found{kind}", []
        for path, name in zip(good, ("a.mp4", "below/a.mp4", "b.mp4"), strict=True):
            shutil.copy(path, films / name)
        alone = ("--batch-size", 1)  # larger ones differ in the last digit
        assert call(monkeypatch, checkpoint, films, *alone, "--out", whole / out) == 1
        bad = 0
        for number in range(6):  # more jobs than files
            share = ("--shard", f"{number}/6", "--out", jobs / out)
            bad += call(monkeypatch, checkpoint, films, *share)
            parts.append(jobs / f"found.{number}-of-6{kind}")
        assert (
            bad == 1 and [part.exists() for part in parts] == [True] * 4 + [False] * 2
        )
        for path in films.rglob("[ab].mp4"):  # they are not read again
            kept = path.stat().st_mtime_ns
            path.write_bytes(bytes(path.stat().st_size))
            os.utime(path, ns=(kept, kept))
        assert call(monkeypatch, checkpoint, films, "--out", jobs / out) == 1
        assert (jobs / out).read_bytes() == (whole / out).read_bytes()
        if kind in (".txt", ".jsonl"):
            said = "".join(part.read_text() for part in parts[:4])
            assert said == (whole / out).read_text()
        capsys.readouterr()


def test_standard_input(monkeypatch, capsys, checkpoint, demo_data):
    path = min((demo_data / "val").iterdir())
    assert call(monkeypatch, checkpoint, path, "--json") == 0
    from_file = json.loads(capsys.readouterr().out)
    given = io.TextIOWrapper(io.BytesIO(path.read_bytes()))
    monkeypatch.setattr(sys, "stdin", given)
    assert call(monkeypatch, checkpoint, "-", "--json") == 0
    assert json.loads(capsys.readouterr().out) == dict(from_file, file="-")


def test_videos_with_the_result(monkeypatch, capsys, checkpoint, demo_data, tmp_path):
    good = sorted((demo_data / "val").iterdir())[:2]
    bad, films = tmp_path / "bad.mp4", tmp_path / "films"
    bad.write_text("no film")
    films.mkdir()
    mine = films / f"{good[1].stem}.mp4"
    mine.write_text("mine")
    asked = [*good, bad, "--video", films]
    assert call(monkeypatch, checkpoint, *asked) == 1
    output = capsys.readouterr()
    assert "predict: 2 of 3 files cannot be used" in output.err
    assert f"{good[0]} (audio)" in output.out and mine.read_text() == "mine"
    with (
        open_media(films / f"{good[0].stem}.mp4") as drawn,
        open_media(good[0]) as film,
    ):
        assert drawn.has_audio and drawn.extent[1] >= film.extent[1] - 0.1
    assert call(monkeypatch, checkpoint, "-", "--video", films) == 2
    again = tmp_path / good[0].name  # two jobs, each with a file of one name
    shutil.copy(good[0], again)
    for number in range(2):
        share = ("--shard", f"{number}/2", "--video", tmp_path / "drawn")
        assert call(monkeypatch, checkpoint, good[0], again, *share) == 0
    assert len(list((tmp_path / "drawn").glob("*.mp4"))) == 2


def test_which_files_are_meant(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    below = tmp_path / "films"
    below.mkdir()
    names = [
        "a.mp4",
        "b 1.MKV",
        "c[1].mp4",
        "note.doc",
        "\xe9\n.mp4",
        os.fsdecode(b"\xff.mp4"),
    ]
    for name in names:
        (below / name).touch()
    (below / "annotation.txt").write_text("a.mp4 0\nb 1.MKV 3 4\n# no\n\ngone.mp4 7\n")
    files = load_script("tools/named_files.py")

    def meant(*arguments):
        return files.meant_files(files.file_argument(one) for one in arguments)

    found = [below / name for name in names if name != "note.doc"]
    assert meant(os.fspath(below)) == sorted(found)
    assert meant("films/*.mp4") == sorted(
        Path("films", name) for name in names if name.endswith(".mp4"))  # fmt: skip
    assert meant("films/c[1].mp4") == [Path("films/c[1].mp4")]  # a name as it is
    listed = [Path("films", n) for n in ("a.mp4", "b 1.MKV")]
    listed.append(Path("gone.mp4"))  # nowhere: as it is written
    assert meant("@films/annotation.txt", "films/annotation.txt") == listed
    assert meant("-", "films/a.mp4", "-") == [Path("-"), Path("films/a.mp4")]
    for nothing in ("*.avi", "@empty.txt"):
        Path("empty.txt").touch()
        with pytest.raises(ValueError, match="no videos in"):
            meant(nothing)


def test_names_that_are_no_text(monkeypatch, checkpoint, demo_data, tmp_path):
    """On terminals that know few letters, and whatever becomes of the file."""
    good, bad = (tmp_path / os.fsdecode(name) for name in (b"caf\xe9.mp4", b"\xff.mp4"))
    shutil.copy(min((demo_data / "val").iterdir()), good)
    for encoding in ("ascii", "utf-8", "latin-1"):
        shown = [
            io.TextIOWrapper(io.BytesIO(), encoding, errors="strict") for _ in range(2)
        ]
        monkeypatch.setattr(sys, "stdout", shown[0])
        monkeypatch.setattr(sys, "stderr", shown[1])
        assert call(monkeypatch, checkpoint, good, bad, good) == 1
        said = []
        for stream in shown:
            stream.flush()
            said.append(stream.buffer.getvalue())
        assert said[0].count(rb"caf\udce9.mp4 (audio)") == 1  # given twice
        assert rb"\udcff.mp4" in said[1]


def test_a_file_that_goes_meanwhile_leaves_no_gap(
    monkeypatch, checkpoint, demo_data, tmp_path
):
    """Each row is of its own file, whatever becomes of those between them."""
    folder = tmp_path / "films"
    folder.mkdir()
    for path in sorted((demo_data / "val").iterdir())[:3]:
        shutil.copy(path, folder)
    files = sorted(folder.iterdir())
    out = tmp_path / "a.csv"
    options = ["--out", out, "--batch-size", "1"]
    assert call(monkeypatch, checkpoint, *files, *options) == 0
    whole = out.read_text().splitlines()
    journal = tmp_path / "a.csv.run.jsonl"
    for gone in files[:2]:  # known before; never known
        content = gone.read_bytes()
        gone.unlink()
        assert call(monkeypatch, checkpoint, *files, *options) == 1
        rows = out.read_text().splitlines()
        of_others = [row for row in whole if not row.startswith(str(gone))]
        assert [row for row in rows if not row.startswith(str(gone))] == of_others
        assert sum(row.startswith(str(gone)) for row in rows) == 1
        gone.write_bytes(content)
        out.unlink()
        journal.unlink()


def test_a_file_that_changes_while_it_is_read_is_read_again(
    monkeypatch, checkpoint, demo_data, tmp_path
):
    """A copy under way: half of it was read, and is not noted as the whole."""
    from mmstconv.apis import predictions

    film, out = tmp_path / "a.mp4", tmp_path / "a.csv"
    shutil.copy(min((demo_data / "val").iterdir()), film)
    before = film.stat()
    read = predictions.predict_videos

    def then_grows(*args, **options):
        for one in read(*args, **options):
            os.utime(film, ns=(1, 1))
            yield one

    monkeypatch.setattr(predictions, "predict_videos", then_grows)
    assert call(monkeypatch, checkpoint, film, "--out", out) == 0
    _, line = map(json.loads, (tmp_path / "a.csv.run.jsonl").read_text().splitlines())
    assert line[1]["stamp"] == [str(film), before.st_size, before.st_mtime_ns]
