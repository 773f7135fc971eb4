"""tools/data/prepare_videos.py: whole folders, faults, interruptions."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from conftest import ROOT, load_script

sys.path.append(str(ROOT / "tests"))
from helpers_media import chirp_sound, numbers, write_coded

from mmstconv.disk import (
    FolderInUse,
    FolderLock,
    ForeignFile,
    file_workers,
    unfinished_path,
)
from mmstconv.media import open_media
from mmstconv.media.writing.prepare_file import Outcome, is_of_the_machine
from mmstconv.media.writing.preparing import TrainingForm

TOOL = load_script("tools/data/prepare_videos.py")
from prepared_files import (  # noqa: E402  (the tool put its folder on the path)
    JOURNAL,
    Job,
    Journal,
    read_journal,
    state_of,
    target_names,
    up_to_date,
)

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
        if path.name != JOURNAL and path.name[0] != "."
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
    left = unfinished_path(out / "0" / "a.mp4", process.pid)
    left.touch()

    said = []
    monkeypatch.undo()
    assert TOOL.prepare_videos(many, out, workers=2, say=said.append) == 1
    assert f"9 files: {len(noted)} were there, {8 - len(noted)} made" in said[-1]
    assert all(path.stat().st_mtime_ns == done[path] for path in noted)
    made = contents(out)
    expected = contents(reference[0])
    assert {name[2:]: made[name] for name in made if name[0] == "0"} == expected
    assert len(made) == 8 and not left.exists()
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
        made = read_journal(target.parent / JOURNAL)
        return up_to_date(job, source.parent, target.parent, made, settings)

    assert not has()
    journal = Journal(target.parent, "1")
    journal.add(job, state_of(source), 4)
    journal.close()
    with open(target.parent / JOURNAL, "a") as file:
        file.write('["a.mp4", "a.m')  # the machine went down
    assert has()
    Journal(target.parent, "1").close()
    assert has() and (target.parent / JOURNAL).read_bytes().endswith(b"\n")
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
    names += ["E.avi", "e.avi", "f.mp4/g.ts", "f.mkv"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
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
        "E.avi": "E.avi.mp4",  # one file where letters' case does not count
        "e.avi": "e.avi.mp4.mp4",
        "f.mkv": "f.mkv.mp4",
        "f.mp4/g.ts": "f.mp4/g.mp4",
    }
    for name in names[:-2]:  # whichever are asked for
        assert target_names([name], tmp_path) == {name: targets[name]}


def test_a_full_disk_ends_the_run(videos, tmp_path, monkeypatch):
    full = Outcome(None, reason="No space left on device", ends_run=True)
    done = file_workers.Done(Job("a.mp4", "a.mp4"), 1, full)
    monkeypatch.setattr(file_workers, "run", lambda *_: iter([done]))
    with pytest.raises(ValueError, match=r"a\.mp4: No space left on device"):
        TOOL.prepare_videos(videos, tmp_path / "out")
    error = RuntimeError("x")
    error.__cause__ = OSError(28, "No space left on device")
    assert is_of_the_machine(error)
    assert not is_of_the_machine(FileNotFoundError(2, "gone"))


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
        path.write_text("a.mp4 0\n")
    with pytest.raises(SystemExit, match="need different names"):
        TOOL.main([str(videos), str(tmp_path / "out"), "--ann", *map(str, lists)])
    lists[0].write_text("../a.mp4 0\n")
    with pytest.raises(SystemExit, match=r"list\.txt:1: .* lies outside of"):
        TOOL.main([str(videos), str(tmp_path / "out"), "--ann", str(lists[0])])
    assert not Path(tmp_path / "out").exists()
    with pytest.raises(SystemExit) as end:
        TOOL.main(["s3://bucket/videos", str(tmp_path / "out")])
    assert end.value.code == 2
    assert "s3://bucket/videos is not on this machine: obj" in capsys.readouterr().err


# -- what is the user's --


def tree(folder):
    """Content of each file, where a link leads, and which names are one file."""
    return {
        str(path): (os.readlink(path) if path.is_symlink() else path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def annotation_in_the_output(home):
    path = home / "out" / "train.txt"
    path.parent.mkdir()
    path.write_text("a.avi 0\n")
    return dict(annotations=[path]), path


def foreign_target(home):
    path = home / "out" / "sub" / "b.mp4"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    return {}, path


def linked_subfolder(home):
    (home / "out").mkdir()
    (home / "out" / "sub").symlink_to(home / "in" / "sub")
    return {}, home / "out" / "sub"


def linked_output(home):
    (home / "out").symlink_to(home / "in" / "sub")
    return dict(annotations=[listed(home, "sub/b.mkv 0\n")]), home / "in" / "sub"


def two_linked_subfolders(home):
    shutil.copytree(home / "in" / "sub", home / "in" / "sub2")
    (home / "out" / "sub2").mkdir(parents=True)
    (home / "out" / "sub").symlink_to("sub2")
    return {}, home / "in" / "sub2" / "b.mkv"


def hard_link(home):
    (home / "out").mkdir()
    os.link(home / "in" / "a.avi", home / "out" / "a.mp4")
    return {}, home / "out" / "a.mp4"


def link_to_a_source(home):
    (home / "out").mkdir()
    (home / "out" / "a.mp4").symlink_to(home / "in" / "a.avi")
    return {}, home / "out" / "a.mp4"


def dangling_link(home):
    (home / "out").mkdir()
    (home / "out" / "a.mp4").symlink_to(home / "elsewhere.mp4")
    return {}, home / "out" / "a.mp4"


def output_above(home):
    """``in/in/c.avi`` would go to ``in/c.mp4``."""
    (home / "in" / "in").mkdir()
    shutil.copy(home / "in" / "a.avi", home / "in" / "in" / "c.avi")
    return dict(out=home), home / "in"


def a_file_for_a_folder(home):
    (home / "out").mkdir()
    (home / "out" / "sub").write_bytes(b"mine")
    return {}, home / "out" / "sub"


def another_journal(home):
    (home / "out").mkdir()
    (home / "out" / JOURNAL).write_text('{"mine": 1}\n')
    return {}, home / "out" / JOURNAL


def annotations_of_one_name(home):
    other = home / "TRAIN.txt"
    other.write_text("a.avi 0\n")
    return dict(annotations=[listed(home, "a.avi 0\n"), other]), other


def annotation_named_as_a_video(home):
    path = home / "a.mp4"
    path.write_text("a.avi 0\n")
    return dict(annotations=[path]), path


def source_in_the_output(home):
    (home / "in" / "out").mkdir()
    shutil.copy(home / "in" / "a.avi", home / "in" / "out" / "c.avi")
    options = dict(out=home / "in" / "out")
    options["annotations"] = [listed(home, "out/c.avi 0\n")]
    return options, home / "in" / "out" / "c.avi"


def up_from_a_link(home):
    (home / "deep" / "er").mkdir(parents=True)
    (home / "in" / "link").symlink_to(home / "deep" / "er")
    return dict(annotations=[listed(home, "link/../a.avi 0\n")]), "train.txt:1"


def object_store(home):
    return dict(annotations=[listed(home, "a.avi 0\ns3://b/c.mp4 1\n")]), "train.txt:2"


def listed(home, text):
    path = home / "train.txt"
    path.write_text(text)
    return path


WAYS = [
    annotation_in_the_output,
    foreign_target,
    linked_subfolder,
    linked_output,
    two_linked_subfolders,
    hard_link,
    link_to_a_source,
    dangling_link,
    output_above,
    a_file_for_a_folder,
    another_journal,
    annotations_of_one_name,
    annotation_named_as_a_video,
    source_in_the_output,
    up_from_a_link,
    object_store,
]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small") / "in"
    (folder / "sub").mkdir(parents=True)
    write_coded(folder / "a.avi", 3, video_codec="mpeg4")
    shutil.copy(folder / "a.avi", folder / "sub" / "b.mkv")
    return folder


def test_nothing_of_the_user_is_written_over(small, tmp_path):
    """Refused before the first file, the file named; each time it is tried."""
    for way in WAYS:
        home = tmp_path / way.__name__
        shutil.copytree(small, home / "in", ignore=shutil.ignore_patterns(".*"))
        options, named = way(home)
        options = {"out": home / "out", **options}
        before = tree(home)
        for _ in range(2):
            with pytest.raises((ValueError, OSError)) as caught:
                TOOL.prepare_videos(home / "in", **options, say=print)
            assert str(named) in str(caught.value), way.__name__
            assert tree(home) == before, way.__name__


def test_what_was_changed_since_is_the_users(small, tmp_path):
    out, ann = tmp_path / "out", listed(tmp_path, "a.avi 0\n")
    assert TOOL.prepare_videos(small, out, [ann], say=print) == 0
    edited = b"a.mp4 0\n# mine\n"
    (out / "train.txt").write_bytes(edited)
    with pytest.raises(ForeignFile, match=r"out/train\.txt is there and was not"):
        TOOL.prepare_videos(small, out, [ann], say=print)
    assert (out / "train.txt").read_bytes() == edited
    (out / "train.txt").unlink()
    (out / "a.mp4").write_bytes(b"mine")
    with pytest.raises(ForeignFile, match=r"out/a\.mp4 is there and was not"):
        TOOL.prepare_videos(small, out, [ann], say=print)
    assert (out / "a.mp4").read_bytes() == b"mine"
    (out / "a.mp4").unlink()
    for crf in (20, 40, 40):  # its own files it makes again, with other settings too
        form = TrainingForm(crf=crf)
        assert TOOL.prepare_videos(small, out, [ann], form, say=print) == 0
    assert (out / "train.txt").read_text() == "a.mp4 0\n"


def test_an_output_folder_among_the_videos(small, tmp_path):
    """What was made is no source of the next run, wherever that writes."""
    shutil.copytree(small, tmp_path / "in")
    for out in ("in/sub/one", "in/sub/one", "in/two", "three"):
        assert TOOL.prepare_videos(tmp_path / "in", tmp_path / out, say=print) == 0
        made = {name for name in contents(tmp_path / out) if name.endswith(".mp4")}
        assert made == {"a.mp4", "sub/b.mp4"}, out


HOLD = """
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def test_two_runs_at_a_time(small, tmp_path):
    out = tmp_path / "out"
    FolderLock(out, "a run", "").release()
    command = [sys.executable, "-c", HOLD, str(out / ".mmstconv_lock")]
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with subprocess.Popen(command, **pipes) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(FolderInUse, match="a run of prepare_videos is running"):
            TOOL.prepare_videos(small, out, say=print)
        assert not (out / JOURNAL).exists()
        holder.communicate()
    assert TOOL.prepare_videos(small, out, say=print) == 0


def test_names_that_are_no_text(small, tmp_path, monkeypatch):
    """On a terminal that knows ASCII alone, with a file that fails."""
    odd = os.fsdecode(b"caf\xe9")
    (tmp_path / odd).mkdir()
    shutil.copy(small / "a.avi", tmp_path / odd / (odd + ".avi"))
    (tmp_path / odd / (odd + "2.avi")).write_bytes(b"no video")
    out = tmp_path / (odd + "2")
    for made in (1, 0):
        shown = io.TextIOWrapper(io.BytesIO(), "ascii", errors="strict")
        monkeypatch.setattr(sys, "stdout", shown)
        with pytest.raises(SystemExit) as end:
            TOOL.main([str(tmp_path / odd), str(out)])
        assert end.value.code == 1
        shown.flush()
        said = shown.buffer.getvalue()
        assert rb"caf\udce92.avi: does not start like" in said
        assert b"2 files: %d were there, %d made" % (1 - made, made) in said
    assert (out / (odd + ".mp4")).exists()


def test_jobs_share_the_work_and_a_last_run_writes_the_lists(videos, tmp_path):
    lists, out = tmp_path / "list.txt", tmp_path / "out"
    lists.write_text("a.mp4 0\na.avi 1\nsub/b c.mkv 1\n")
    said: list[str] = []
    jobs = [str(out / name) for name in ("a.avi.mp4", "a.mp4", "sub/b c.mp4")]
    share = partial(TOOL.prepare_videos, videos, out, [lists], say=said.append)
    for number in range(2):
        before = {str(path) for path in out.rglob("*.mp4")}
        assert not share(shard=f"{number}/2")
        made = sorted({str(path) for path in out.rglob("*.mp4")} - before)
        assert made == jobs[number::2]
        assert not (out / "list.txt").exists()
    assert not share()
    assert "3 files: 3 were there, 0 made" in said[-1]
    assert (out / "list.txt").read_text().count("\n") == 3
