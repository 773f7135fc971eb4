"""Files of features: the same in each format, made once, never mixed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from apis.test_long_video import make_model
from helpers_media import chirp_sound, write_coded

import mmstconv
from mmstconv.apis.features import FORMATS, FeatureReader, join_rows, save_features
from mmstconv.disk import FolderLock, ForeignFile

NAMES = ["rgb", "audio"]


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Two films, one of them silent."""
    folder = tmp_path_factory.mktemp("films")
    sound = dict(waveform=chirp_sound(3, 0.9, 16000), sample_rate=16000)
    write_coded(folder / "a.mp4", count=75, fps=25, **sound)
    write_coded(folder / "b.mp4", count=60, fps=25)
    return [folder / "a.mp4", folder / "b.mp4"]


@pytest.fixture(scope="module")
def reader():
    return FeatureReader(make_model(padded=True), NAMES, rate=4)


def named(films):
    return {path: path.stem for path in films}


def read_back(folder, format, name):
    """As docs/features.md says it: arrays, seconds and metadata."""
    if format == "npz":
        with np.load(folder / f"{name}.npz") as file:
            arrays = {one: file[one] for one in [*NAMES, "seconds"]}
            return arrays, json.loads(str(file["metadata"]))
    if format == "npy":
        arrays = {n: np.load(folder / n / f"{name}.npy") for n in [*NAMES, "seconds"]}
        return arrays, json.loads((folder / "metadata" / f"{name}.json").read_text())
    if format == "h5":
        h5py = pytest.importorskip("h5py")
        with h5py.File(folder / f"{name}.h5") as file:
            arrays = {one: file[one][:] for one in [*NAMES, "seconds"]}
            return arrays, json.loads(file.attrs["metadata"])
    parquet = pytest.importorskip("pyarrow.parquet")
    pandas = pytest.importorskip("pandas")
    table = pandas.read_parquet(folder / f"{name}.parquet")
    arrays = {one: np.stack(table[one]) for one in NAMES}
    arrays["seconds"] = table[["start", "end"]].to_numpy()
    kept = parquet.read_metadata(folder / f"{name}.parquet").metadata
    metadata = json.loads(kept[b"metadata"])
    for one in NAMES:
        assert set(table[f"{one}_present"]) == {metadata["presence"][one]}
    return arrays, metadata


@pytest.mark.parametrize("format", FORMATS)
def test_each_format_holds_the_rows(films, reader, tmp_path, format):
    assert save_features(reader, named(films), tmp_path, format) == {}
    for film in films:
        expected = join_rows(reader.rows(film))
        arrays, metadata = read_back(tmp_path, format, film.stem)
        np.testing.assert_array_equal(arrays["seconds"], expected.seconds)
        for name, x in expected.feats.items():
            assert arrays[name].dtype == np.float32
            np.testing.assert_array_equal(arrays[name], x)
        assert metadata["presence"] == expected.presence
        assert metadata["widths"] == reader.widths
        assert metadata["rows"] == expected.count and metadata["file"] == str(film)
        assert metadata["key"]["rate"] == 4
    left = [path for path in tmp_path.rglob("*") if "unfinished" in path.name]
    assert not left


def test_rows_come_in_batches_of_any_size(films, reader, tmp_path, monkeypatch):
    """A file that is appended to many times is the file that is written at once."""
    for size in (1, 1000):
        monkeypatch.setattr("mmstconv.apis.features.rows.BATCH", size)
        for format in FORMATS:
            if format == "parquet":
                pytest.importorskip("pyarrow")
            folder = tmp_path / f"{size}{format}"
            save_features(reader, named(films[:1]), folder, format)
            arrays, _ = read_back(folder, format, "a")
            expected = join_rows(reader.rows(films[0]))
            np.testing.assert_array_equal(arrays["rgb"], expected.feats["rgb"])


def test_interrupted_is_resumed(films, reader, tmp_path):
    """Ended within the second film; what is done is not made again."""

    class Ending:
        def __init__(self, path):
            self.path = path

        def __enter__(self):
            if self.path == str(films[1]):
                return self.end
            return lambda window: None

        def __exit__(self, *error):
            pass

        @staticmethod
        def end(window):
            raise KeyboardInterrupt

    broken, whole = tmp_path / "broken", tmp_path / "whole"
    for format in ("npz", "npy", "h5"):
        with pytest.raises(KeyboardInterrupt):
            save_features(reader, named(films), broken / format, format, film=Ending)
        names = [path.name for path in (broken / format).rglob("*")]
        assert not [n for n in names if n.startswith("b") or "unfinished" in n], names
        first = next(p for p in (broken / format).rglob("a.*") if p.is_file())
        made = first.stat().st_mtime_ns
        for folder in (broken, whole):
            assert save_features(reader, named(films), folder / format, format) == {}
        assert first.stat().st_mtime_ns == made
        for film in films:
            one = read_back(broken / format, format, film.stem)
            other = read_back(whole / format, format, film.stem)
            assert one[1] == other[1]
            for name, x in one[0].items():
                np.testing.assert_array_equal(x, other[0][name])


def test_nothing_is_mixed(films, reader, tmp_path):
    save_features(reader, named(films[:1]), tmp_path, "npz")
    model = make_model(padded=True)
    for options, what in [
        (dict(modalities=["rgb"], rate=4), "modalities"),
        (dict(modalities=NAMES, rate=5), "rate"),
        (dict(modalities=NAMES, level="clip"), "level, rate"),
    ]:
        with pytest.raises(ForeignFile, match=what):
            save_features(FeatureReader(model, **options), {}, tmp_path, "npz")
    next(model.streams["rgb"].parameters()).data.add_(0.1)
    with pytest.raises(ForeignFile, match="other weights of the streams"):
        save_features(FeatureReader(model, NAMES, rate=4), {}, tmp_path, "npz")
    with pytest.raises(ForeignFile, match="other format"):
        save_features(reader, {}, tmp_path, "npy")
    with pytest.raises(ForeignFile, match=r"features of .*a\.mp4, another file than"):
        save_features(reader, {films[1]: "a"}, tmp_path, "npz")


def test_a_changed_video_is_read_again_and_a_moved_one_is_not(films, reader, tmp_path):
    film, out = tmp_path / "film.mp4", tmp_path / "out"
    film.write_bytes(films[0].read_bytes())
    save_features(reader, {film: "film"}, out)
    before = (out / "film.npz").stat().st_mtime_ns
    moved = film.rename(tmp_path / "moved.mp4")
    save_features(reader, {moved: "film"}, out)
    assert (out / "film.npz").stat().st_mtime_ns == before
    moved.rename(film).write_bytes(films[1].read_bytes())
    save_features(reader, {film: "film"}, out)
    arrays, metadata = read_back(out, "npz", "film")
    assert metadata["presence"] == dict(rgb=True, audio=False)
    assert len(arrays["rgb"]) == 10


def test_bad_files_are_named_and_files_of_the_user_stay(films, reader, tmp_path):
    bad, odd = tmp_path / "bad.mp4", tmp_path / os.fsdecode(b"caf\xe9\n.mp4")
    bad.write_bytes(b"no video")
    odd.write_bytes(films[1].read_bytes())
    out = tmp_path / "out"
    gone = tmp_path / "gone.mp4"
    files = {bad: "bad", gone: "gone", odd: odd.stem}
    unusable = save_features(reader, files, out)
    assert set(unusable) == {str(bad), str(gone)} and all(unusable.values())
    assert not (out / "bad.npz").exists()
    metadata = read_back(out, "npz", odd.stem)[1]
    assert metadata["file"] == str(odd)
    (out / "b.npz").write_bytes(b"mine")
    with pytest.raises(ForeignFile, match=r"b\.npz is there"):
        save_features(reader, named(films), out)
    assert (out / "b.npz").read_bytes() == b"mine"


def test_jobs_share_a_folder(films, reader, tmp_path):
    """Parts of one work do not wait for each other; no part runs twice at a time."""
    first = FolderLock(tmp_path, "work", "", part="0-of-2")
    assert save_features(reader, named(films[1:]), tmp_path, part="1-of-2") == {}
    assert not _can_be_had(tmp_path, "0-of-2") and _can_be_had(tmp_path, "1-of-2")
    first.release()


def _can_be_had(folder, part):
    """Whether another process can have a lock; that folder alone imports at once."""
    code = (
        "import sys; from disk import FolderLock;"
        "FolderLock(sys.argv[1], 'work', '', part=sys.argv[2])"
    )
    command = [sys.executable, "-c", code, str(folder), part]
    where = Path(mmstconv.__file__).parent
    done = subprocess.run(command, cwd=where, capture_output=True, text=True)
    assert done.returncode == 0 or "FolderInUse" in done.stderr, done.stderr
    return done.returncode == 0
