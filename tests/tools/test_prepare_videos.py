"""tools/data/prepare_videos.py: whole folders, faults, interruptions."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT, load_script

sys.path.append(str(ROOT / "tests"))
from helpers_media import chirp_sound, numbers, write_coded

from mmstconv.media import open_media

TOOL = load_script("tools/data/prepare_videos.py")
import file_workers  # noqa: E402  (the tool put its folder on the path)
from prepared_files import JOURNAL, Job, Journal, target_names  # noqa: E402

SOUND = dict(waveform=chirp_sound(0.8, 0.2, 16000), sample_rate=16000)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Files of several kinds; two that differ in the suffix alone, one broken."""
    folder = tmp_path_factory.mktemp("videos")
    (folder / "sub").mkdir()
    write_coded(folder / "a.mp4", 20, **SOUND)
    write_coded(folder / "a.avi", 30, video_codec="mpeg4")
    write_coded(folder / "sub" / "b c.mkv", 20, **SOUND)
    (folder / "sub" / "broken.webm").write_bytes(b"no video")
    (folder / "notes.txt").write_text("not a video")
    return folder


def work_here(jobs, work, *_):
    """In place of other processes, which take seconds to start."""
    return (file_workers.Done(job, 0, work(job)) for job in jobs)


@pytest.fixture(autouse=True)
def _here(monkeypatch):
    monkeypatch.setattr(file_workers, "run", work_here)


@pytest.fixture(scope="module")
def reference(videos, tmp_path_factory):
    """Made one after the other, in one go; with what was said."""
    folder, said = tmp_path_factory.mktemp("prepared") / "out", []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_workers, "run", work_here)
        assert TOOL.prepare_videos(videos, folder, say=said.append) == 1
    return folder, said


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*.*")
        if path.name != JOURNAL
    }


def start(videos, out):
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    script = str(ROOT / "tools/data/prepare_videos.py")
    return subprocess.Popen(
        [sys.executable, script, str(videos), str(out), "--workers", "1"],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_folder(videos, reference):
    out, said = reference
    names = {"a.mp4", "a.avi.mp4", "sub/b c.mp4"}
    assert set(contents(out)) == names
    for name, number in (("a.mp4", 19), ("a.avi.mp4", 29)):
        with open_media(out / name) as media:
            assert numbers(media.frames_at([5.0])) == [number]
            assert media.has_audio == (name == "a.mp4")
    assert said[0].startswith(f"{videos / 'sub' / 'broken.webm'}: does not start like")
    assert said[1].startswith("4 files: 0 were there, 3 made") and len(said) == 2


def test_killed_then_finished_in_parallel(videos, reference, tmp_path, monkeypatch):
    many, out = tmp_path / "many", tmp_path / "out"
    shutil.copytree(videos, many / "0")
    for k in range(1, 6):
        (many / str(k)).mkdir()
        shutil.copy2(videos / "a.avi", many / str(k) / "long.avi")
    process = start(many, out)
    deadline = time.monotonic() + 120
    while len(list(out.rglob("*.mp4"))) < 2:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.005)
    process.kill()  # the hardest way; after Ctrl-C the parent ends its workers itself
    process.communicate(timeout=60)  # until the orphaned worker has ended, too
    done = {path: path.stat().st_mtime_ns for path in out.rglob("*.mp4")}
    journal = (out / JOURNAL).read_text()
    noted = [
        path for path in done if f'"{path.relative_to(out).as_posix()}"' in journal
    ]
    assert 1 <= len(noted) < 8
    (out / ".a.mp4.123.part").touch()

    said = []
    monkeypatch.undo()
    assert TOOL.prepare_videos(many, out, workers=2, say=said.append) == 1
    assert f"9 files: {len(noted)} were there, {8 - len(noted)} made" in said[-1]
    assert all(path.stat().st_mtime_ns == done[path] for path in noted)
    made = contents(out)
    expected = contents(reference[0])
    assert {name[2:]: made[name] for name in made if name[0] == "0"} == expected
    assert len(made) == 8
    assert {made[f"{k}/long.mp4"] for k in range(1, 6)} == {expected["a.avi.mp4"]}


def test_annotations_and_a_second_run(videos, tmp_path):
    out, lists, said = tmp_path / "out", [], []
    for name, lines in {
        "train.txt": "sub/b c.mkv 3\nsub/broken.webm 1\n./a.avi 0\n",
        "val.txt": f"{videos}/a.mp4 2\ngone.mp4 2\n",
    }.items():
        lists.append(tmp_path / name)
        lists[-1].write_text(lines)
    assert TOOL.prepare_videos(videos, out, lists, say=said.append) == 2
    assert (out / "train.txt").read_text() == "sub/b c.mp4 3\na.avi.mp4 0\n"
    assert (out / "val.txt").read_text() == "a.mp4 2\n"
    assert f"{videos / 'gone.mp4'}: " in " ".join(said)
    assert f"{out / 'train.txt'}: 1 lines left out, files that failed" in said

    lists[1].write_text("a.mp4 2\n")
    lists[0].write_text("a.avi 1\n")
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*.mp4")}
    said.clear()
    assert TOOL.prepare_videos(videos, out, lists, say=said.append) == 0
    assert said == ["2 files: 2 were there, 0 made (0.0 to 0.0 MB), 0 failed"]
    assert times == {path: path.stat().st_mtime_ns for path in out.rglob("*.mp4")}
    assert (out / "train.txt").read_text() == "a.avi.mp4 1\n"


def test_what_is_up_to_date(tmp_path):
    source, target = tmp_path / "in" / "a.mp4", tmp_path / "out" / "a.mp4"
    for path in (source, target):
        path.parent.mkdir()
        path.write_bytes(b"1234")
    job = Job("a.mp4", "a.mp4")

    def has(settings="1", job=job):
        journal = Journal(target.parent, settings)
        found = journal.has(job, source.parent)
        journal.close()
        return found

    assert not has()
    journal = Journal(target.parent, "1")
    with pytest.raises(ValueError, match="another run is writing to"):
        Journal(target.parent, "1")
    journal.add(job, TOOL.state_of(source), 4)
    journal.close()
    with open(target.parent / JOURNAL, "a") as file:
        file.write('["a.mp4", "a.m')  # the machine went down
    assert has()
    assert not has("2") and not has(job=Job("b.mp4", "a.mp4"))
    target.write_bytes(b"12")
    assert not has()
    target.write_bytes(b"1234")
    assert has()
    os.utime(source, ns=(0, 10**18))
    assert not has()
    target.unlink()
    assert not has()


def test_names(tmp_path):
    names = ["a.avi", "a.mp4", "a.avi.mp4", "b.mkv", "b.webm", "c.AVI", "d", "v1.0 x"]
    for name in names:
        (tmp_path / name).touch()
    targets = target_names(names, tmp_path)
    assert targets == {
        "a.mp4": "a.mp4",
        "a.avi.mp4": "a.avi.mp4",
        "a.avi": "a.avi.mp4.mp4",
        "b.mkv": "b.mkv.mp4",
        "b.webm": "b.webm.mp4",
        "c.AVI": "c.mp4",
        "d": "d.mp4",
        "v1.0 x": "v1.0 x.mp4",
    }
    for name in names:  # whichever are asked for
        assert target_names([name], tmp_path) == {name: targets[name]}


def test_a_full_disk_ends_the_run(videos, tmp_path, monkeypatch):
    full = TOOL.Outcome(None, reason="No space left on device", ends_run=True)
    done = file_workers.Done(Job("a.mp4", "a.mp4"), 1, full)
    monkeypatch.setattr(file_workers, "run", lambda *_: iter([done]))
    with pytest.raises(ValueError, match=r"a\.mp4: No space left on device"):
        TOOL.prepare_videos(videos, tmp_path / "out")
    error = RuntimeError("x")
    error.__cause__ = OSError(28, "No space left on device")
    assert TOOL._is_of_the_machine(error)
    assert not TOOL._is_of_the_machine(FileNotFoundError(2, "gone"))


def test_wrong_arguments(videos, tmp_path, capsys):
    for arguments, message in (
        ([videos, videos], "would be written over"),
        ([tmp_path / "no", tmp_path], "there is no folder"),
        ([tmp_path, tmp_path / "out"], "holds no video"),
        ([videos, tmp_path / "out", "--crf", "-1"], "crf must be a whole number"),
    ):
        with pytest.raises(SystemExit, match=message):
            TOOL.main([str(argument) for argument in arguments])
    lists = [tmp_path / name / "list.txt" for name in ("one", "two")]
    for path in lists:
        path.parent.mkdir()
        path.write_text("../a.mp4 0\n")
    with pytest.raises(SystemExit, match="need different names"):
        TOOL.main([str(videos), str(tmp_path / "out"), "--ann", *map(str, lists)])
    with pytest.raises(SystemExit, match=r"list\.txt:1: .* lies outside of"):
        TOOL.main([str(videos), str(tmp_path / "out"), "--ann", str(lists[0])])
    assert not Path(tmp_path / "out").exists()
