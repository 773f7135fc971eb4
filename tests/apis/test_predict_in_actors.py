"""`predict --engine ray`: the same bytes as without, whatever is killed."""

from __future__ import annotations

import shutil

import pytest
from helpers_media import chirp_sound, write_coded
from helpers_models import DEMO_AUDIO, save_demo_audio
from helpers_ray import begin, kill_driver_then_actor, need_ray

need_ray()
FILES = 24


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Weights, and files that have sound, have none, or are none."""
    folder = tmp_path_factory.mktemp("predict")
    save_demo_audio(folder)
    videos = folder / "videos"
    videos.mkdir()
    sound = dict(waveform=chirp_sound(4, 0.9, 8000), sample_rate=8000)
    first = write_coded(videos / "a 0.mp4", count=100, fps=25, **sound)
    for number in range(1, FILES - 2):
        shutil.copy(first, videos / f"a {number}.mp4")
    write_coded(videos / "mute.mp4", 50)
    (videos / "bad.mp4").write_text("no film")
    return folder


@pytest.mark.slow
def test_a_killed_driver_and_a_killed_actor_lose_nothing(place, tmp_path):
    def command(out, *more):
        files = (
            DEMO_AUDIO,
            place / "model.pth",
            place / "videos",
            tmp_path / "gone.mp4",
        )
        shared = ("--device", "cpu", "--batch-size", 2, "--out", out)
        return begin("tools/predict.py", *files, *shared, *more)

    local, out = tmp_path / "local.csv", tmp_path / "ray.csv"
    reference = command(local)
    assert "2 of 25 files cannot be used" in reference.communicate()[1]

    def again():
        return command(out, "--engine", "ray", "--workers", 2, "--chunk", 2)

    folder = tmp_path / "ray.csv.parts"
    parts = lambda: sorted(folder.glob("part-*-of-00013.parquet"))  # noqa: E731
    second, said, errors = kill_driver_then_actor(again(), again, parts)
    assert second.returncode == 1 and "2 of 25 files cannot be used" in errors, errors
    assert out.read_bytes() == local.read_bytes() and b"gone.mp4" in out.read_bytes()
    assert said == f"{out}\n" and len(parts()) == 13
    assert "Traceback" not in errors
    assert again().communicate()[0] == said
    other = command(out, "--engine", "ray", "--workers", 1, "--chunk", 30)
    assert "Traceback" not in other.communicate()[1]
    assert out.read_bytes() == local.read_bytes()
    assert [one.name for one in folder.glob("part-*")] == [
        "part-00000-of-00001.parquet"
    ]
