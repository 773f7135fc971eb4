"""tools/data/write_shards.py, and prepare_videos with --shards."""

from __future__ import annotations

import os
import sys

import pytest
from conftest import ROOT, load_script

sys.path.append(str(ROOT / "tests"))
from helpers_media import write_coded

from mmstconv.datasets import ShardedVideoDataset
from mmstconv.disk import ForeignFile

TOOL = load_script("tools/data/write_shards.py")
PREPARE = load_script("tools/data/prepare_videos.py")


@pytest.fixture
def videos(tmp_path):
    """Six small files that nobody decodes, and their list."""
    folder = tmp_path / "videos"
    (folder / "a b").mkdir(parents=True)
    for k in range(6):
        (folder / "a b" / f"{k}.MP4").write_bytes(bytes([k]) * 3000)
    lines = [f"a b/{k}.MP4 {k % 2}\n" for k in range(6)]
    (tmp_path / "train.txt").write_text("".join(lines))
    (tmp_path / "classes.txt").write_text("run\njump\n")
    return folder


def write(videos, *more, shards=2):
    out = videos.parent / "out"
    lists = videos.parent / "train.txt"
    with pytest.raises(SystemExit) as ended:
        TOOL.main([f"{videos}", f"{out}", "--ann", f"{lists}", *more,
                   "--shards", f"{shards}"])  # fmt: skip
    return out, ended.value.code


def contents(out) -> list[bytes]:
    data = ShardedVideoDataset(f"{out}/train.index.json", pipeline=[])
    found = []
    for k in range(len(data)):
        path, offset, size = data.get_data_info(k)["part"]
        with open(path, "rb") as file:
            file.seek(offset)
            found.append((file.read(size), data.get_data_info(k)["label"]))
    assert data.metainfo["classes"] == ["run", "jump"]
    return sorted(found)


def test_all_files_once_and_the_same_again(videos, capsys):
    out, code = write(videos)
    assert code == 0 and "6 samples in 2 tars, 0 kept" in capsys.readouterr().out
    assert contents(out) == [(bytes([k]) * 3000, k % 2) for k in range(6)]
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    (out / "train-000001.tar").unlink()  # as if the run had been interrupted
    assert write(videos)[1] == 0 and "1 kept" in capsys.readouterr().out
    record = ".mmstconv_written"
    after = {path.name: path.read_bytes() for path in out.iterdir()}
    assert {**after, record: b""} == {**before, record: b""}
    os.utime(videos / "a b" / "0.MP4", (1, 1))  # another file
    assert write(videos)[1] == 0 and "1 kept" in capsys.readouterr().out


def test_fewer_tars_than_before(videos):
    """Who reads all tars by a pattern reads each sample once; others' stay."""
    out, _ = write(videos, shards=4)
    foreign = [out / "train-mine.tar", out / "train-000009.tar", out / "val-000003.tar"]
    for path in foreign:
        path.write_bytes(b"mine")
    assert write(videos, shards=2)[1] == 0
    left = {path for path in out.glob("*.tar")}
    tars = [out / "train-000000.tar", out / "train-000001.tar"]
    assert left == {*foreign, *tars}
    data = ShardedVideoDataset(list(map(str, tars)), pipeline=[])
    assert len(data) == 6 and len(contents(out)) == 6


def test_mistakes(videos):
    assert "must lie in 1..6" in write(videos, shards=7)[1]
    out, _ = write(videos)
    (out / "train-000000.tar").write_bytes(b"mine")
    assert "was not written by this tool" in write(videos)[1]
    assert (out / "train-000000.tar").read_bytes() == b"mine"
    (out / "train-000000.tar").unlink()
    (videos / "a b" / "3.MP4").unlink()
    assert "1 of 6 files do not exist, such as" in write(videos)[1]
    assert issubclass(ForeignFile, OSError)


def test_a_file_that_no_reader_would_find_is_refused(videos):
    """Its sample had a member without a suffix, and was not in the index."""
    for name in ("noext", "film.rmx"):
        (videos / name).write_bytes(b"film")
        (videos.parent / "train.txt").write_text(f"a b/0.MP4 0\n{name} 1\n")
        out, told = write(videos, shards=1)
        assert "1 of 2 files have no suffix of a video" in told and name in told
        assert not out.exists()


def test_several_labels(videos):
    (videos.parent / "train.txt").write_text("a b/0.MP4 0 1\na b/1.MP4\n")
    out, code = write(videos, "--multi-class", shards=1)
    assert code == 0
    data = ShardedVideoDataset(
        f"{out}/train.index.json", pipeline=[], multi_class=True, num_classes=2
    )
    labels = [data.get_data_info(k)["label"].tolist() for k in range(2)]
    assert labels == [[1, 1], [0, 0]]


@pytest.mark.slow  # starts a process that imports the package
def test_prepared_videos_go_into_shards(tmp_path):
    folder = tmp_path / "v"
    folder.mkdir()
    for k in range(3):
        write_coded(folder / f"{k}.avi", 6, video_codec="mpeg4")
    (tmp_path / "train.txt").write_text("".join(f"{k}.avi 0\n" for k in range(3)))
    lists = ["--ann", f"{tmp_path}/train.txt", "--workers", "1"]
    with pytest.raises(SystemExit) as ended:
        PREPARE.main([f"{folder}", f"{tmp_path}/out", *lists, "--shards", "2"])
    assert ended.value.code == 0
    data = ShardedVideoDataset(f"{tmp_path}/out/shards/train.index.json", pipeline=[])
    assert len(data) == 3
    assert all(info["part"][2] > 500 for info in map(data.get_data_info, range(3)))
    with pytest.raises(SystemExit):
        PREPARE.main([f"{folder}", f"{tmp_path}/out", "--shards", "2"])
