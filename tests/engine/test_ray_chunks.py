"""Actors of a real Ray on this machine, which are killed: nothing is lost."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest

from mmstconv.engine.ray_chunks import Lost, reach_cluster, run_chunks

pytest.importorskip("ray", reason="Ray is not installed (requirements/ray.txt)")


def doubling(folder: Path, killed: str):
    """Work that one item kills each time, and another the first time."""

    def start():
        def work(items):
            for item in items:
                seen = folder / item
                if item == "deadly" or (item == killed and not seen.exists()):
                    seen.touch()
                    (folder / f"died-{os.getpid()}").touch()
                    os.kill(os.getpid(), signal.SIGKILL)
            return [item * 2 for item in items]

        return work

    return start


def test_a_killed_actor_loses_nothing_and_a_deadly_item_itself_alone(tmp_path, capfd):
    chunks = [["a", "b"], ["c", "deadly", "d"], ["e"], ["once", "f"]]
    found = dict(run_chunks(chunks, doubling(tmp_path, "once"), 2))
    lost = found[1].pop(1)
    assert isinstance(lost, Lost) and "has died" in lost.reason
    assert found == {0: ["aa", "bb"], 1: ["cc", "dd"], 2: ["ee"], 3: ["onceonce", "ff"]}
    # of "once", of the whole chunk, of the deadly item by itself
    assert len(list(tmp_path.glob("died-*"))) == 1 + 3 + 3
    assert capfd.readouterr().out == ""  # results are printed there


def test_an_error_of_the_work_ends_the_run():
    def start():
        def work(items):
            raise ValueError(f"no room for {items[0]}")

        return work

    with pytest.raises(ValueError, match="no room for a"):
        list(run_chunks([["a"], ["b"]], start, 1))


def test_an_address_where_no_cluster_is_says_so_at_once():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and listens not
        here = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConnectionError, match=f"no Ray at RAY_ADDRESS {here}"):
            reach_cluster(here)
        taken.listen()
        reach_cluster(here)
    for address in ("ray://a:1", "host", ":6379"):
        with pytest.raises(ValueError, match="must be HOST:PORT"):
            reach_cluster(address)


@pytest.mark.slow
def test_actors_that_die_while_they_start_end_the_run():
    with pytest.raises(RuntimeError, match="die while they start"):
        list(run_chunks([["a"]], lambda: os.kill(os.getpid(), signal.SIGKILL), 1))
