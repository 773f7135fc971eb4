"""tools/data/extract.py: a folder of videos, jobs that share it, mistakes."""

from __future__ import annotations

import sys

import pytest
from conftest import ROOT, load_script

sys.path.append(str(ROOT / "tests"))
from helpers_media import chirp_sound, write_coded

TOOL = load_script("tools/data/extract.py")


def run(monkeypatch, *arguments) -> int:
    monkeypatch.setattr(sys, "argv", ["extract", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        TOOL.main()
    return end.value.code


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_a_folder_and_jobs_that_share_it(tmp_path, monkeypatch, capsys, workers):
    videos, out = tmp_path / "videos", tmp_path / "out"
    (videos / "x").mkdir(parents=True)
    sound = dict(waveform=chirp_sound(1, 0.2, 16000), sample_rate=16000)
    write_coded(videos / "x" / "a.mp4", 12)
    write_coded(videos / "x" / "b c.MP4", 12, **sound)
    (videos / "x" / "bad.mp4").write_text("no film")
    (tmp_path / "train.txt").write_text("x/a.mp4 1\nx/b c.MP4 0\nx/bad.mp4 0\n")
    assert run(monkeypatch, videos, out, "--dry-run") == 0
    assert not out.exists()
    options = ("--ann", tmp_path / "train.txt", "--workers", workers)
    codes = [
        run(monkeypatch, videos, out, *options, "--shard", f"{n}/2") for n in (0, 1)
    ]
    assert codes == [1, 0] and not (out / "train.txt").exists()
    captured = capsys.readouterr()
    assert f"{videos / 'x' / 'bad.mp4'}: does not start" in captured.err
    assert run(monkeypatch, videos, out, *options) == 1
    assert "3 videos: 2 were there, 0 extracted" in capsys.readouterr().out
    assert (out / "train.txt").read_text() == "x/a 12 1\nx/b c 12 0\n"
    assert (out / "audio_features" / "x" / "b c.npy").is_file()
    assert not (out / "audio_features" / "x" / "a.npy").exists()


def test_mistakes_have_one_message(tmp_path, monkeypatch, capsys):
    gone = tmp_path / "gone"
    assert run(monkeypatch, gone, tmp_path) == f"extract: there is no folder '{gone}'"
    wrong = ("--method", "tvl2")
    assert "method must be of dis," in run(monkeypatch, tmp_path, gone, *wrong)
    assert run(monkeypatch, tmp_path, gone, "--only", "depth") == 2
    capsys.readouterr()
    (tmp_path / "list.txt").write_text("../a.mp4 0\n")
    (tmp_path / "videos").mkdir()
    outside = ("--ann", tmp_path / "list.txt")
    message = run(monkeypatch, tmp_path / "videos", gone, *outside)
    assert "does not lie below" in message
