"""The command: folders, shards, bad files, a rerun, another option."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from apis.test_long_video import make_model
from conftest import ROOT, load_script
from helpers_media import chirp_sound, write_coded
from helpers_models import save_with_config

TOOL = load_script("tools/features.py")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A config, its checkpoint, and a folder of films: three good, a bad one."""
    folder = tmp_path_factory.mktemp("features")
    save_with_config(make_model(padded=True), folder)
    films = folder / "films"
    (films / "more").mkdir(parents=True)
    sound = dict(waveform=chirp_sound(2, 0.9, 16000), sample_rate=16000)
    write_coded(films / "a film.mp4", count=50, fps=25, **sound)
    write_coded(films / "b.MP4.mp4", count=50, fps=25)
    write_coded(films / "more" / "a film.mp4", count=30, fps=25)
    (films / "bad.mp4").write_bytes(b"no video")
    return folder


def call(monkeypatch, place, *more):
    models = ["--config", place / "config.py", "--checkpoint", place / "weights.pth"]
    command = ["features.py", place / "films", *models, "--device=cpu", *more]
    monkeypatch.setattr(sys, "argv", [str(part) for part in command])
    with pytest.raises(SystemExit) as left:
        TOOL.main()
    return left.value.code


def made(folder):
    return {p.name: p.stat().st_mtime_ns for p in folder.glob("*.npz")}


def test_jobs_do_each_file_once(monkeypatch, place, tmp_path, capsys):
    options = ["--out", tmp_path, "--modalities", "rgb,audio,fused", "--rate", 4]
    codes = [
        call(monkeypatch, place, *options, "--shard", f"{number}/3")
        for number in range(3)
    ]
    assert sorted(codes) == [0, 0, 1]
    said = capsys.readouterr().err
    assert said.count("features: ") >= 1 and "bad.mp4: " in said
    before = made(tmp_path)
    assert len(before) == 3
    assert call(monkeypatch, place, *options) == 1  # the bad one again, no other
    assert made(tmp_path) == before
    rows = {}
    for name in before:
        with np.load(tmp_path / name) as file:
            metadata = json.loads(str(file["metadata"]))
            assert file["rgb"].shape == (metadata["rows"], 5)
            assert file["fused"].shape[0] == len(file["seconds"])
            rows[metadata["file"]] = metadata
    films = place / "films"
    assert rows[str(films / "a film.mp4")]["presence"]["audio"]
    assert not rows[str(films / "more" / "a film.mp4")]["presence"]["audio"]
    assert rows[str(films / "b.MP4.mp4")]["config"] == str(place / "config.py")
    assert call(monkeypatch, place, "--out", tmp_path) != 0  # other options: refused
    assert made(tmp_path) == before


def test_the_help_says_what_there_is():
    from mmstconv.apis import features

    kinds = features.FORMATS
    assert tuple(kinds) == TOOL.FORMATS
    assert (features.LEVELS, features.FUSED) == (TOOL.LEVELS, TOOL.FUSED)
    assert max(len(k.suffix) for k in kinds.values()) == TOOL.LONGEST_SUFFIX


def test_wrong_options(monkeypatch, place, tmp_path, capsys):
    films, out = str(place / "films"), str(tmp_path / "out")
    config = ["--config", str(place / "config.py")]
    for options, message in [
        ([], "give --config"),
        ([*config, "--weights", "a.pth"], "give --config"),
        (["--weights", "a.pth", "--checkpoint", "b.pth"], "goes with --config"),
        ([*config, "--format", "csv"], "invalid choice"),
        ([*config, "--shard", "2/2"], "0/4 to 3/4"),
    ]:
        monkeypatch.setattr(sys, "argv", ["features.py", films, "--out", out, *options])
        with pytest.raises(SystemExit) as left:
            TOOL.main()
        assert left.value.code == 2 and message in capsys.readouterr().err
    assert call(monkeypatch, place, "--out", out, "--modalities", "rgb,depth") != 0
    assert not (tmp_path / "out").exists()


LONG = """
import resource, sys, warnings
warnings.filterwarnings("ignore")
import torch
from apis.test_long_video import make_model
from mmstconv.apis.features import FeatureReader, save_features
reader = FeatureReader(make_model(padded=True), ["rgb", "audio"], rate=25)
save_features(reader, {sys.argv[1]: "warm"}, sys.argv[3], sys.argv[4])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
save_features(reader, {sys.argv[2]: "long"}, sys.argv[3], sys.argv[4])
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize("format", ["npy", "npz", "h5", "parquet"])
def test_an_hour_takes_no_more_memory_than_a_minute(tmp_path, format):
    films = {}
    for minutes in (1, 60):
        seconds = 60 * minutes
        sound = dict(waveform=np.zeros(8000 * seconds, np.float32), sample_rate=8000)
        films[minutes] = write_coded(
            tmp_path / f"{minutes}.mp4",
            count=seconds * 4,
            fps=4,
            width=64,
            height=48,
            **sound,
        )
    command = [sys.executable, "-c", LONG, films[1], films[60], tmp_path / "o", format]
    done = subprocess.run(
        list(map(str, command)), cwd=ROOT / "tests", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert float(done.stdout.split()[-1]) < 60, done.stdout
