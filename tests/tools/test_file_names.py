"""Shares of files for jobs, and names of what is written of files."""

from __future__ import annotations

import argparse
import os
import random
from pathlib import Path

import pytest
from conftest import load_script

TOOL = load_script("tools/file_names.py")


def test_shares_are_each_file_once():
    files = [Path(os.fsdecode(b"caf\xe9.mp4")), *(Path(f"{k}.mp4") for k in range(11))]
    for count in (1, 4, 20):
        shares = []
        for number in range(count):  # each job sees the folder in its own order
            mixed = random.Random(number).sample(files, len(files))
            shares.append(TOOL.share_of(mixed, f"{number}/{count}"))
        assert sorted(path for share in shares for path in share) == sorted(files)
        sizes = [len(share) for share in shares]
        assert max(sizes) - min(sizes) <= 1, count
    assert TOOL.share_of(files, None) == files


def test_what_is_no_share():
    parser = argparse.ArgumentParser(exit_on_error=False)
    TOOL.add_shard_flag(parser)
    assert parser.parse_args(["--shard", "3/4"]).shard == "3/4"
    for text in ("4/4", "1", "a/b", "-1/4", "0/0", "1/4/2", ""):
        with pytest.raises(ValueError, match="0/4 to 3/4"):
            TOOL.share_of([], text)
        with pytest.raises(argparse.ArgumentError, match="0/4 to 3/4"):
            parser.parse_args([f"--shard={text}"])


def test_each_job_has_its_result():
    names = {TOOL.of_shard(Path("a/b.c.json"), f"{k}/4") for k in range(4)}
    assert names == {Path(f"a/b.c.{k}-of-4.json") for k in range(4)}
    assert TOOL.of_shard(Path("b.json"), None) == Path("b.json")


def test_the_results_of_all_jobs(tmp_path):
    out = tmp_path / "a.0-of-2.b.csv"
    jobs = {TOOL.of_shard(out, f"{k}/3") for k in range(3)}
    others = {tmp_path / f"a.0-of-2.b.{one}.csv" for one in ("3-of-3", "00-of-3", "x")}
    others |= {out, tmp_path / "a.1-of-3.csv", tmp_path / "b.1-of-3.csv"}
    for path in jobs | others:
        path.with_name(path.name + ".run").touch()
    found = TOOL.of_all_shards(out, ".run")
    assert found == sorted(path.with_name(path.name + ".run") for path in jobs)
    assert TOOL.of_all_shards(tmp_path / "c.csv", ".run") == []
