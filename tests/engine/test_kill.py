"""Runs that are killed with signal 9, runs on a full disk, several processes."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

WORKER = Path(__file__).with_name("kill_worker.py")
KILLS, INTERVAL = 20, 3


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What the runs of kill_worker.py said; on a disk of their own where that goes."""
    folder = tmp_path_factory.mktemp("killed")
    unshare = ["unshare", "--user", "--map-root-user", "--mount"]
    if not shutil.which("unshare") or subprocess.run([*unshare, "true"]).returncode:
        unshare = []
    done = subprocess.run(
        [*unshare, sys.executable, str(WORKER), str(folder), str(KILLS)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_kill_9_at_20_random_instants(said):
    """Each run goes on from the last checkpoint that the one before it was to have."""
    rows = said["killed"]
    assert len(rows) == KILLS + 1
    assert [row["error"] for row in rows] == [None] * len(rows)
    saved = 0  # the iteration that must be there
    for row in rows:
        if row["resumed"] is None:  # killed before it had read anything
            continue
        assert row["resumed"] >= saved
        assert row["resumed"] % INTERVAL == 0
        if row["done"] is not None:
            saved = row["done"] // INTERVAL * INTERVAL
    assert saved > 2 * INTERVAL
    resumed = [row["resumed"] for row in rows if row["resumed"] is not None]
    assert len(resumed) >= KILLS // 2
    assert rows[-1]["unfinished"] == [] or rows[-1]["done"] is not None


def test_a_full_disk(said):
    """The previous checkpoint is there, alone, and the next run goes on from it."""
    for run, start in (("first", 0), ("again", 3)):
        heard = said["full"][run]
        assert heard["resumed"] in (start, 3) and heard["done"] == 5
        error = heard["error"]
        assert error.startswith("CheckpointNotSaved")
        assert "iter_6.pth was not written: " in error
        assert "No space left on device" in error or "File too large" in error
        assert "(20.0 MB needed, " in error and "MB free)" in error
        assert "The last whole checkpoint is" in error and "iter_3.pth: make" in error
    assert said["full"]["first"]["files"] == ["iter_3.pth"]
    assert said["full"]["first"]["pointer"].endswith("/iter_3.pth")


def test_two_processes_go_on_from_the_same(said):
    broken, all_broken = said["two"]
    assert [heard["resumed"] for heard in broken] == [INTERVAL] * 2
    for heard in all_broken:  # both end; neither waits for the other
        assert heard["error"].startswith("ValueError: cannot resume: no checkpoint in")


def test_two_runs_in_one_folder(said):
    """The second one touches nothing; after a kill -9 of the first a third goes on."""
    beside = said["beside"]
    error = beside["second"]["error"]
    assert error.startswith("FolderInUse: ") and "a training is running there" in error
    assert f"process {beside['pid']} on {socket.gethostname()} since 20" in error
    assert "--work-dir" in error and "MB" not in error
    assert beside["there"] == ["first", "gone", "elsewhere"]
    assert beside["first"]["error"] is None
    assert beside["first"]["done"] >= 5 * INTERVAL
    assert beside["third"]["error"] is None and beside["third"]["resumed"] >= INTERVAL
    assert beside["left"] == ["elsewhere"]  # its process may be alive
    assert beside["errors"] == []  # of one that read all the while


def test_a_folder_that_is_lost_while_training(said):
    lost = said["lost"]
    assert lost["deleted"]["error"] is None  # it was made again
    assert len(lost["files"]) in (1, 2)
    error = lost["replaced"]["error"]
    assert error.startswith("CheckpointNotSaved: ") and "cannot be made" in error
    assert "/replaced/iter_" in error and "go on with --resume" in error
    assert lost["saved"] and lost["saved"][0] % INTERVAL == 0  # nothing is lost
    assert lost["mine"] == "mine"
    assert "/replaced" in lost["started"]
