"""Who holds a folder, and when it is free again: real processes."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
import subprocess

import pytest

from mmstconv.disk import FolderInUse, FolderLock, remove_unfinished, unfinished_path
from mmstconv.disk import lock as lock_module


def in_a_process(work) -> tuple[int, int]:
    """Its id and a pipe that says "held" when ``work`` has returned; then it waits."""
    here, there = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            kept = work()
            os.write(there, b"held")
            signal.pause()
            del kept
        finally:
            os._exit(0)
    os.close(there)
    assert os.read(here, 4) == b"held"
    os.close(here)
    return pid, here


def test_until_it_is_killed(tmp_path):
    """A loader process that outlives the one that was killed does not hold on."""

    def work():
        lock = FolderLock(tmp_path, "a training", "Wait.")
        if os.fork() == 0:
            signal.alarm(20)
            signal.pause()
        return lock

    pid, _ = in_a_process(work)
    with pytest.raises(FolderInUse) as caught:
        FolderLock(tmp_path, "a training", "Wait.")
    said = str(caught.value)
    assert said.startswith(f"{tmp_path}: a training is running there already (process ")
    assert f"process {pid} on {socket.gethostname()} since 20" in said
    assert said.endswith("Wait.")
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    lock = FolderLock(tmp_path, "a training", "Wait.")
    again = FolderLock(tmp_path, "a training", "Wait.")  # of this very process
    again.release()
    pid = os.fork()
    if pid == 0:  # a child has let go, and is another process
        try:
            FolderLock(tmp_path, "a training", "Wait.")
        except FolderInUse:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    lock.release()
    FolderLock(tmp_path, "a training", "Wait.").release()


def test_a_file_system_without_locks(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    said = []
    FolderLock(tmp_path, "a training", "", said.append).release()
    assert "has no locks (No locks available)" in said[0] and str(tmp_path) in said[0]


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("mine")
    for folder in (tmp_path / "file", tmp_path / "file" / "sub", "/proc/sys/none"):
        with pytest.raises(
            OSError, match=rf"^\[Errno \d+\] {folder} cannot be written"
        ):
            FolderLock(folder, "a training", "")
    (tmp_path / lock_module.NAME).symlink_to("file")  # is not written through
    with pytest.raises(OSError, match="cannot be written"):
        FolderLock(tmp_path, "a training", "")
    assert (tmp_path / "file").read_text() == "mine"


def test_only_what_dead_processes_left_is_removed(tmp_path):
    dead = subprocess.Popen(["true"])
    dead.wait()
    (tmp_path / "sub").mkdir()
    left = [unfinished_path(tmp_path / name, dead.pid) for name in ("a.pth", "sub/b")]
    alive = unfinished_path(tmp_path / "a.pth", os.getppid())
    elsewhere = tmp_path / f".a.pth.another-host.{dead.pid}.unfinished"
    mine = [tmp_path / n for n in ("a.unfinished", ".b.mp4.12.part", ".c.unfinished")]
    for path in (*left, alive, elsewhere, *mine):
        path.write_text("x")
    assert remove_unfinished(tmp_path) == left[:1]
    assert remove_unfinished(tmp_path, below=True) == left[1:]
    assert all(path.exists() for path in (alive, elsewhere, *mine))
    assert remove_unfinished(tmp_path / "none") == []
