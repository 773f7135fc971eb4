"""`features --engine ray`: the files of the local engine, whatever is killed."""

from __future__ import annotations

import json

import numpy as np
import pytest
from apis.test_long_video import make_model
from helpers_media import chirp_sound, write_coded
from helpers_models import save_with_config
from helpers_ray import begin, kill_driver_then_actor, need_ray

need_ray()
FILMS = 8


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A config, its checkpoint, and films of 20 seconds, one of them broken."""
    folder = tmp_path_factory.mktemp("ray")
    save_with_config(make_model(padded=True), folder)
    (folder / "films").mkdir()
    sound = dict(waveform=chirp_sound(20, 0.9, 8000), sample_rate=8000)
    for number in range(FILMS):
        write_coded(folder / "films" / f"{number}.mp4", count=500, fps=25, **sound)
    (folder / "films" / "bad.mp4").write_bytes(b"no video")
    return folder


def features(place, out, *more):
    command = ["tools/features.py", place / "films", "--out", out, "--device", "cpu"]
    command += ["--config", place / "config.py", "--checkpoint", place / "weights.pth"]
    return begin(*command, "--modalities", "rgb,audio", "--rate", 4, *more)


def contents(folder):
    found = {}
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as file:
            arrays = {
                name: file[name].tobytes() for name in ("rgb", "audio", "seconds")
            }
            found[path.name] = arrays, json.loads(str(file["metadata"]))
    return found


@pytest.mark.slow
def test_a_killed_driver_and_a_killed_actor_lose_nothing(place, tmp_path):
    reference, out = tmp_path / "local", tmp_path / "ray"
    local = features(place, reference)
    expected_errors = local.communicate()[1]
    assert local.returncode == 1 and "bad.mp4: " in expected_errors

    def again():
        return features(place, out, "--engine", "ray", "--workers", 2)

    parts = lambda: sorted(out.glob("features.parts/part-*-of-00009.parquet"))  # noqa: E731
    second, _, errors = kill_driver_then_actor(again(), again, parts)
    assert second.returncode == 1 and "1 of 9 files cannot be used" in errors, errors
    said = [line for line in expected_errors.splitlines() if "bad.mp4: " in line]
    assert said and set(said) <= set(errors.splitlines())
    assert contents(out) == contents(reference) and len(contents(out)) == FILMS
    assert len(parts()) == FILMS + 1

    (out / "3.npz").unlink()  # its part says that it was there
    third = again()
    assert third.wait() == 1 and contents(out) == contents(reference)
