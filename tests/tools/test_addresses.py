"""Commands on files that are elsewhere: a real server on this machine."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import load_script
from helpers_models import DEMO_AUDIO, save_demo_audio
from helpers_remote import http_site

from mmstconv.media.remote import store

pytest.importorskip("fsspec")
pytest.importorskip("aiohttp")

SECRET = "?signature=secret"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return save_demo_audio(tmp_path_factory.mktemp("model"))


@pytest.fixture
def site(demo_data, monkeypatch):
    monkeypatch.setattr(store, "FIRST_WAIT", 0.01)
    good = sorted((demo_data / "val").iterdir())[:2]
    with http_site() as site:
        site.files = {f"/films/{path.name}": path.read_bytes() for path in good}
        site.files["/films/cut.mp4"] = good[0].read_bytes()[:900]
        site.here = good
        yield site


def call(monkeypatch, script, *arguments):
    words = [script, *arguments, "--device", "cpu"]
    monkeypatch.setattr(sys, "argv", [str(word) for word in words])
    with pytest.raises(SystemExit) as left:
        load_script(script).main()
    return left.value.code


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_predict(monkeypatch, capsys, checkpoint, site, tmp_path):
    """As of the same files here; lists name both, and nothing tells a secret."""
    monkeypatch.chdir(tmp_path)
    there = [f"{site.url}films/{path.name}" for path in site.here]
    lines = f"{there[0]}{SECRET} 3\n{site.url}films/none.mp4\n{site.here[1]} 2\n"
    Path("list.txt").write_text(lines)
    files = [f"{there[1]}{SECRET}", f"{site.url}films/cut.mp4{SECRET}", "@list.txt"]
    # One at a time: the last bit of a score may depend on what else is in a batch.
    predict = ["tools/predict.py", DEMO_AUDIO, checkpoint, "--batch-size", 1]
    command = [*predict, *files, "--out", "a.csv"]
    assert call(monkeypatch, *command) == 1
    assert call(monkeypatch, *predict, *site.here, "--out", "b.csv") == 0
    found, here = rows("a.csv"), rows("b.csv")
    for place, path in zip(there, site.here):
        mine = [dict(row, file="") for row in found if row["file"] == place]
        assert mine == [dict(row, file="") for row in here if row["file"] == str(path)]
        assert mine
    errors = {row["file"]: row["error"] for row in found if row["error"]}
    assert errors.keys() == {f"{site.url}films/{name}.mp4" for name in ("none", "cut")}
    written = [path.read_bytes() for path in Path().iterdir() if path.name[0] == "a"]
    output = capsys.readouterr()
    assert "secret" not in str(written) + output.out + output.err
    Path("list.txt").write_text(lines.replace("secret", "another"))
    before = site.sent
    assert call(monkeypatch, *command) == 1
    assert rows("a.csv") == found
    assert site.sent - before <= 900  # what was known is not fetched again


def test_features(monkeypatch, checkpoint, site, tmp_path):
    monkeypatch.chdir(tmp_path)
    there = [f"{site.url}films/{path.name}{SECRET}" for path in site.here]
    model = ["--config", DEMO_AUDIO, "--checkpoint", checkpoint]
    for files, out in ((there, "there"), (site.here, "here")):
        assert call(monkeypatch, "tools/features.py", *files, *model, "--out", out) == 0
    for path in site.here:
        one, other = (np.load(f"{out}/{path.stem}.npz") for out in ("there", "here"))
        arrays = [name for name in other.files if other[name].dtype.kind == "f"]
        assert arrays
        for name in arrays:
            np.testing.assert_array_equal(one[name], other[name])
    content = b"".join(path.read_bytes() for path in Path("there").iterdir())
    assert b"secret" not in content


def test_check_says_which_lines_name_addresses(monkeypatch, capsys, tmp_path):
    listed = tmp_path / "list.txt"
    listed.write_text(f"s3://bucket/a.mp4{SECRET} 1\na.mp4 0\nhttps://b.org/c.mp4 1\n")
    monkeypatch.setattr(sys, "argv", ["check", str(listed)])
    with pytest.raises(SystemExit) as left:
        load_script("tools/check.py").main()
    said = capsys.readouterr().err + str(left.value.code)
    for line, address in ((1, "s3://bucket/a.mp4"), (3, "https://b.org/c.mp4")):
        assert f"list.txt:{line}: {address} is not on this machine" in said
    assert "secret" not in said


def test_addresses_that_differ_in_their_query_alone(tmp_path):
    """Results would take them for one file."""
    files = load_script("tools/named_files.py")
    listed = tmp_path / "list.txt"
    listed.write_text("https://b.org/get?id=1 0\nhttps://b.org/get?id=2 1\n")
    with pytest.raises(ValueError, match=r"two addresses https://b\.org/get differ"):
        files.meant_files([files.file_argument(f"@{listed}")])
    again = [files.file_argument("https://b.org/get?id=1")] * 2
    assert files.meant_files(again) == ["https://b.org/get?id=1"]
