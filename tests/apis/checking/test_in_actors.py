"""`check --engine ray`: the same result as without, whatever is killed."""

from __future__ import annotations

import json
import os
import signal

import pytest
from helpers_media import write_coded
from helpers_ray import begin, kill_driver_then_actor, need_ray, until

need_ray()
FILES = 40
TOOL = "tools/check.py"
ENGINE = ("--engine", "ray", "--workers", 2, "--chunk", 2)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Names that nobody chose well, and files that are bad."""
    folder = tmp_path_factory.mktemp("videos")
    for number in range(FILES - 4):
        write_coded(folder / f"a {number}.mp4", 20 + number)
    content = (folder / "a 1.mp4").read_bytes()
    for name in ("UPPER.MP4", "c\nd.mp4", os.fsdecode(b"caf\xe9.mp4")):
        (folder / name).write_bytes(content)
    (folder / "bad.mp4").write_text("no film")
    return folder


def parts_in(out):
    return lambda: sorted(out.glob("checked.parts/part-*-of-*.parquet"))


def result_of(out):
    lines = (out / "checked.jsonl").read_text().splitlines()
    first, *noted = map(json.loads, lines)
    return (out / "files.csv").read_bytes(), first, sorted(noted, key=str)


@pytest.mark.slow
def test_a_killed_driver_and_a_killed_actor_lose_nothing(videos, tmp_path):
    local, out = tmp_path / "local", tmp_path / "ray"
    reference = begin(TOOL, videos, "--out", local, "--workers", 1, "--full")
    expected = reference.communicate()[0]
    assert reference.returncode == 1

    def again():
        return begin(TOOL, videos, "--out", out, "--full", *ENGINE)

    second, said, errors = kill_driver_then_actor(again(), again, parts_in(out))
    assert second.returncode == 1, errors
    assert said.replace(str(out), str(local)) == expected
    assert result_of(out) == result_of(local)
    assert len(parts_in(out)()) == FILES / 2


@pytest.mark.slow
def test_ctrl_c_keeps_the_parts(videos, tmp_path):
    command = (TOOL, videos, "--out", tmp_path, "--full", *ENGINE)
    process = begin(*command)
    until(parts_in(tmp_path), process)
    process.send_signal(signal.SIGINT)
    errors = process.communicate()[1]
    assert process.returncode == 130, errors
    assert "the same command goes on" in errors
    assert 0 < len(parts_in(tmp_path)()) < FILES / 2
