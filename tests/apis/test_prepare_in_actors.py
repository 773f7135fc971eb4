"""`prepare --engine ray`: the files of the local engine, whatever is killed."""

from __future__ import annotations

import pytest
from helpers_media import chirp_sound, write_coded
from helpers_ray import begin, kill_driver_then_actor, need_ray

from mmstconv.disk import file_digest

need_ray()
FILES = 16


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Films in two folders, one of them broken, and a list that names one more."""
    folder = tmp_path_factory.mktemp("videos")
    (folder / "b c").mkdir()
    sound = dict(waveform=chirp_sound(8, 0.9, 16000), sample_rate=16000)
    for number in range(FILES - 1):
        where = folder / ("b c" if number % 2 else "")
        write_coded(where / f"{number}.mkv", count=200, fps=25, **sound)
    (folder / "bad.mp4").write_text("no film")
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("[!.]*.m*"))
    lines = [f"{name} {number % 3}\n" for number, name in enumerate([*names, "no.mp4"])]
    (folder / "list.txt").write_text("".join(lines))
    return folder


def made(out):
    """Digests of what was written, and the lines of the journal."""
    files = {
        path.relative_to(out).as_posix(): file_digest(path)
        for path in (*out.rglob("*.mp4"), out / "list.txt")
    }
    return files, sorted((out / "prepared.jsonl").read_text().splitlines())


@pytest.mark.slow
def test_a_killed_driver_and_a_killed_actor_lose_nothing(videos, tmp_path):
    def prepare(out, *more):
        command = ("tools/data/prepare_videos.py", videos, out)
        return begin(*command, "--ann", videos / "list.txt", *more)

    reference, out = tmp_path / "local", tmp_path / "ray"
    local = prepare(reference, "--workers", 1)
    expected = local.communicate()[0]
    assert local.returncode == 1 and "17 files: 0 were there, 15 made" in expected

    def again():
        return prepare(out, "--engine", "ray", "--workers", 2)

    parts = lambda: sorted(out.glob("prepared.parts/part-*-of-00017.parquet"))  # noqa: E731
    second, said, errors = kill_driver_then_actor(again(), again, parts)
    assert second.returncode == 1, errors
    bad = [line for line in expected.splitlines() if line.startswith(str(videos))]
    assert len(bad) == 2 and set(bad) <= set(said.splitlines())
    assert made(out) == made(reference) and len(parts()) == 17
    assert not list(out.rglob("*.unfinished"))

    gone = out / "b c" / "3.mp4"  # its part says that it was there
    gone.unlink()
    third = again()
    assert "1 made" in third.communicate()[0] and made(out)[0] == made(reference)[0]
