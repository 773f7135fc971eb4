"""The embedded data set: what is promised of its files, and of its classes."""

import importlib.util
import itertools
import os
import shutil
import subprocess
import sys
import time
from dataclasses import fields, replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from mmstconv.disk import unfinished_path

SCRIPT = Path(__file__).parents[2] / "tools" / "data" / "make_demo_dataset.py"
SIZES = {"train": 8, "val": 8, "test": 8}
FLAGS = ["--train", "8", "--val", "8", "--test", "8", "--seed", "3"]


def _load_script():
    spec = importlib.util.spec_from_file_location(SCRIPT.stem, SCRIPT)
    module = sys.modules[SCRIPT.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


demo = _load_script()


def draw(count, **fixed):
    """Specs, labels in turn, and the generators of pictures and sound."""
    for index in range(count):
        rngs = demo.clip_rngs(11, "train", index)
        yield replace(demo.draw_spec(rngs[0], index % 8), **fixed), *rngs[1:]


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (path.name[0] != "." or path.parent != folder)
    }


# ---------------------------------------------------------------------- the files


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """Made by one process, in one go."""
    folder = tmp_path_factory.mktemp("demo") / "reference"
    demo.make_dataset(folder, SIZES, seed=3, workers=1)
    return folder


def start(folder, *flags):
    root = str(SCRIPT.parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(folder), *FLAGS, *flags],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_killed_midway_then_finished_by_two_workers(reference, tmp_path):
    process = start(tmp_path / "out", "--workers", "2")
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("out/*/*.mp4"))) < 3:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    process.kill()  # the hardest way; after Ctrl-C the parent ends its workers itself
    process.communicate(timeout=30)  # until the orphaned workers have ended, too
    done = {p: p.stat().st_mtime_ns for p in tmp_path.glob("out/*/*.mp4")}
    assert 3 <= len(done) < sum(SIZES.values())
    assert not list(tmp_path.glob("out/*.txt"))
    unfinished_path(tmp_path / "out" / "train" / "00007.mp4", process.pid).touch()

    process = start(tmp_path / "out", "--workers", "2")
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert contents(tmp_path / "out") == contents(reference)  # no leftovers either
    assert all(path.stat().st_mtime_ns == when for path, when in done.items())


def test_files_and_annotations(reference):
    for split, size in SIZES.items():
        lines = (reference / f"{split}.txt").read_text().splitlines()
        names, labels = zip(*(line.split(" ") for line in lines))
        assert sorted(names) == sorted(p.name for p in (reference / split).iterdir())
        assert len(names) == len(set(names)) == size
        assert sorted(labels) == sorted(list("01234567") * (size // 8))
    classes = (reference / "classes.txt").read_text().split()
    assert len(classes) == 8
    assert classes[0] == "warm_up_rising" and classes[4 + 2] == "cool_down_rising"


def test_files_hold_what_was_specified(reference):
    labels = demo.draw_labels(3, "train", SIZES["train"])
    for index, label in enumerate(labels):
        spec = demo.draw_spec(demo.clip_rngs(3, "train", index)[0], int(label))
        assert spec.label == label
        with av.open(str(demo.clip_path(reference, "train", index))) as media:
            video, audio = media.streams.video[0], media.streams.audio[0]
            assert (video.codec_context.name, audio.codec_context.name) == (
                "h264",
                "aac",
            )
            assert (video.width, video.height) == (spec.width, spec.height)
            assert video.average_rate == spec.fps
            assert (audio.rate, audio.channels) == (spec.sample_rate, spec.channels)
            frames = [f.to_ndarray(format="rgb24") for f in media.decode(video=0)]
        # Opened anew: PyAV 19 leaves out the first block after seeking back to it.
        with av.open(str(demo.clip_path(reference, "train", index))) as media:
            samples = sum(f.samples for f in media.decode(audio=0))
        assert len(frames) == spec.num_frames
        assert 1.5 - 1 / spec.fps <= spec.duration <= 3 + 1 / spec.fps
        # AAC comes in blocks of 1024, some of them priming and padding.
        assert -1 <= samples - spec.duration * spec.sample_rate <= 3 * 1024
        drawn = demo.render_frames(spec, demo.clip_rngs(3, "train", index)[1])
        assert np.abs(np.float32(frames[-1]) - drawn[-1]).mean() < 8


def test_complete_data_set_is_left_alone(reference, capsys):
    before = {p: p.stat().st_mtime_ns for p in reference.rglob("*")}
    demo.main([str(reference), *FLAGS])
    demo.main([str(reference), *FLAGS, "--check"])
    assert {p: p.stat().st_mtime_ns for p in reference.rglob("*")} == before
    assert capsys.readouterr().out == ""


def test_refuses_other_parameters_and_foreign_folders(reference, tmp_path):
    with pytest.raises(SystemExit, match=r"made with.*'seed': 3.*asked for.*'seed': 4"):
        demo.main([str(reference), *FLAGS, "--seed", "4"])
    with pytest.raises(SystemExit, match="made with"):
        demo.main([str(reference), *FLAGS, "--val", "9"])
    (tmp_path / "thesis.doc").touch()
    with pytest.raises(SystemExit, match="holds no demo data set"):
        demo.main([str(tmp_path), *FLAGS])
    with pytest.raises(SystemExit, match="24 clips"):
        demo.main([str(tmp_path / "new"), *FLAGS, "--check"])
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.doc"]


def test_what_the_user_has_changed_stays(reference, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(reference, out)
    (out / "val.txt").unlink()
    (out / "train.txt").write_text("mine")
    clip = out / "train" / "00000.mp4"
    clip.write_bytes(b"mine")
    with pytest.raises(SystemExit, match=r"train\.txt is there and was not written"):
        demo.main([str(out), *FLAGS])
    assert (out / "train.txt").read_text() == "mine" and clip.read_bytes() == b"mine"
    assert not (out / "val.txt").exists()
    (out / "train.txt").unlink()
    demo.main([str(out), *FLAGS])
    assert clip.read_bytes() == b"mine"
    for name in ("train.txt", "val.txt"):
        assert (out / name).read_bytes() == (reference / name).read_bytes()
    (out / "manifest.json").write_text("mine")
    with pytest.raises(SystemExit, match=r"manifest\.json' is of something else"):
        demo.main([str(out), *FLAGS])


# ------------------------------------------------------- what is drawn at random


def test_labels_are_balanced_and_shuffled():
    for split, size in {"train": 320, "val": 80, "test": 160}.items():
        labels = demo.draw_labels(0, split, size)
        assert np.bincount(labels, minlength=8).tolist() == [size // 8] * 8
        assert abs(np.corrcoef(labels, np.arange(size))[0, 1]) < 0.3
    assert np.ptp(np.bincount(demo.draw_labels(0, "val", 83))) == 1


def test_no_two_clips_share_a_seed():
    """But for siblings, which are meant to."""
    starts = [
        rng.integers(2**63)
        for seed in (0, 1)
        for split, siblings in demo.SIBLINGS.items()
        for index in range(0, 300, siblings)
        for rng in demo.clip_rngs(seed, split, index)
    ]
    assert len(set(starts)) == len(starts)


def test_siblings_differ_in_the_class_alone(reference):
    """In luma and, but for its order, in sound: the files, decoded."""
    labels = demo.draw_labels(3, "test", 8)
    assert sorted(labels) == list(range(8))
    specs = [
        demo.draw_spec(demo.clip_rngs(3, "test", index)[0], int(label))
        for index, label in enumerate(labels)
    ]
    same = {"colour": 0, "motion": 0, "glide": 0}
    assert len({replace(spec, **same) for spec in specs}) == 1
    grey = {}
    for index, label in enumerate(labels):
        with av.open(str(demo.clip_path(reference, "test", index))) as media:
            frame = next(media.decode(video=0)).to_ndarray(format="gray")
        grey[int(label)] = frame.astype(float)
    for label in range(4):  # warm and cool, of the same motion and glide
        assert np.abs(grey[label] - grey[label + 4]).mean() < 1


def test_nuisances_do_not_depend_on_the_label():
    specs = [demo.draw_spec(np.random.default_rng(5), label) for label in range(8)]
    assert [spec.label for spec in specs] == list(range(8))
    same = {"colour": 0, "motion": 0, "glide": 0}
    assert len({replace(spec, **same) for spec in specs}) == 1


@pytest.mark.parametrize("factor", ["colour", "motion", "glide"])
def test_nuisances_are_balanced_in_the_data_set(factor):
    """No field of the specs that are really drawn goes with a factor."""
    labels = demo.draw_labels(0, "train", 2000)
    specs = [
        demo.draw_spec(demo.clip_rngs(0, "train", i)[0], int(label))
        for i, label in enumerate(labels)
    ]
    side = np.array([getattr(spec, factor) for spec in specs], bool)
    for field in fields(demo.Spec):
        if field.name == factor:
            continue
        values = np.array([getattr(spec, field.name) for spec in specs])
        values = np.unique(values, return_inverse=True)[1].astype(float)
        values = values.argsort().argsort() if len(set(values)) > 99 else values
        error = values.std() * np.sqrt(4 / len(specs))
        difference = abs(values[side].mean() - values[~side].mean())
        assert difference < 4 * error, field.name


# ------------------------------------------------------------------------ colour


def test_colours_are_isoluminant_and_in_gamut():
    offsets = []
    for spec, rng, _ in draw(24, num_frames=3):
        state = rng.bit_generator.state
        images = []
        for colour in range(2):
            rng.bit_generator.state = state
            images.append(demo.render_frames(replace(spec, colour=colour), rng))
        warm, cool = images
        assert 0 < min(warm.min(), cool.min()) and max(warm.max(), cool.max()) < 255
        grey = [
            np.array([cv2.cvtColor(i, cv2.COLOR_RGB2GRAY) for i in image], np.int16)
            for image in images
        ]
        offset = grey[0] - grey[1]
        assert np.abs(offset).max() <= 1
        offsets.append(offset.mean())
        counts = [np.cumsum(np.bincount(g.ravel(), minlength=256)) for g in grey]
        # One histogram lies between the other one shifted by a grey level each way.
        assert (counts[0][:-1] <= counts[1][1:]).all()
        assert (counts[1][:-1] <= counts[0][1:]).all()

        redness = warm[..., 0].astype(int) - cool[..., 0]
        assert redness.max() > 60  # but the eye tells them at once
    assert abs(np.mean(offsets)) < 0.02


# ------------------------------------------------------------------------ motion


def test_motion_is_cyclic_vertical_and_starts_alike():
    for spec, rng, _ in draw(16, grain=0.0, background="plain"):
        spec = replace(spec, fps=25, speed=50.0, y=float(round(spec.y)))  # 2 a frame
        state = rng.bit_generator.state
        up = demo.render_frames(replace(spec, motion=0), rng)
        rng.bit_generator.state = state
        down = demo.render_frames(replace(spec, motion=1), rng)
        np.testing.assert_array_equal(up[0], down[0])
        np.testing.assert_array_equal(np.roll(up[0], -2 * 9, axis=0), up[9])
        np.testing.assert_array_equal(np.roll(down[0], 2 * 9, axis=0), down[9])


@pytest.mark.parametrize("side", [56, 112])
def test_motion_is_readable_from_dense_flow(side):
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    right, total = 0, 48
    for spec, rng, _ in draw(total):
        frames = demo.render_frames(spec, rng)[:: round(spec.fps / 8)]
        frames = [cv2.resize(frame, (side, side)) for frame in frames]
        grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
        flow = [dis.calc(*pair, None)[..., 1] for pair in itertools.pairwise(grey)]
        vertical = np.stack(flow)
        moving = np.abs(vertical) > 0.5
        right += (vertical[moving].mean() > 0) == spec.motion
        assert np.median(np.abs(vertical[moving])) < 10
    assert right > 0.9 * total


# ------------------------------------------------------------------------- sound


def log_mel(sound, filters):
    blocks = np.lib.stride_tricks.sliding_window_view(sound, 512)[::160]
    power = np.abs(np.fft.rfft(np.hanning(512) * blocks)) ** 2
    return np.log(filters @ power.T + 1e-6)


def test_sound_lasts_the_clip():
    for spec, _, rng in draw(12):
        sound = demo.render_sound(spec, rng)
        assert sound.dtype == np.float32
        assert sound.shape == (spec.channels, round(spec.duration * spec.sample_rate))
        assert np.abs(sound).max() <= 1
        level = 10 * np.log10(np.mean(sound.astype(float) ** 2))
        assert -33 < level < -10
        # No silent quarter of a second, wherever it lies.
        window = spec.sample_rate // 4
        blocks = sound[0, : sound.shape[1] // window * window].reshape(-1, window)
        assert (blocks.std(axis=1) > 0.2 * sound[0].std()).all()


def test_falling_is_rising_played_backwards():
    for spec, _, rng in draw(8):
        state = rng.bit_generator.state
        rising = demo.render_sound(replace(spec, glide=0), rng)
        rng.bit_generator.state = state
        falling = demo.render_sound(replace(spec, glide=1), rng)
        np.testing.assert_array_equal(rising, falling[:, ::-1])
        spectra = [np.abs(np.fft.rfft(sound)) for sound in (rising, falling)]
        np.testing.assert_allclose(*spectra, rtol=1e-3, atol=1e-3)


def test_only_the_order_of_the_sound_tells_the_glide():
    import librosa
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    glide, averages, slopes = [], [], []
    cut = np.random.default_rng(0)
    filters = librosa.filters.mel(sr=16000, n_fft=512, n_mels=40)
    bands = np.arange(40)[:, None]
    for spec, _, rng in draw(400, sample_rate=16000, channels=1):
        sound = demo.render_sound(spec, rng)[0]
        begin = cut.integers(len(sound) - 12800 + 1)
        mel = log_mel(sound[begin : begin + 12800], filters)  # any 0.8 s
        loud = np.maximum(mel - np.median(mel), 0) ** 2
        centroid = (bands * loud).sum(axis=0) / loud.sum(axis=0)
        glide.append(spec.glide)
        averages.append(mel.mean(axis=1))
        slopes.append([np.median(centroid[5:] - centroid[:-5])])

    def accuracy(features):  # on sounds the classifier has not seen
        lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
        lda.fit(features[:200], glide[:200])
        return lda.score(features[200:], glide[200:])

    assert abs(accuracy(averages) - 0.5) < 3 * np.sqrt(0.25 / 200)
    assert accuracy(slopes) > 0.9
