"""Extracted flow images and audio features that users have already."""

from __future__ import annotations

import errno
import re

import cv2
import numpy as np
import pytest
from helpers_media import numbers, write_coded
from mmaction.registry import TRANSFORMS
from mmaction.utils import register_all_modules

from mmstconv.datasets import LoadClipAudioFeature, LoadFlowImages, SplitFlowImages

register_all_modules(init_default_scope=True)

BOUND = 20.0
STEP = 2 * BOUND / 255


@pytest.fixture
def video(tmp_path):
    """A video of 40 frames; the flow of frame i is (i, -i) levels everywhere."""
    (tmp_path / "videos").mkdir()
    path = write_coded(tmp_path / "videos" / "a.mp4", 40, 25, width=160)
    folder = tmp_path / "flow" / "videos" / "a"
    folder.mkdir(parents=True)
    for index in range(39):
        for axis, sign in (("x", 1), ("y", -1)):
            image = np.full((96, 160), 128 + sign * index, np.uint8)
            cv2.imwrite(str(folder / f"flow_{axis}_{index + 1:05d}.png"), image)
    return path


def load(path, directory, *steps, frames=True, clips=1, failure=None, **kwargs):
    kwargs.setdefault("template", "flow_{axis}_{index:05d}.png")
    steps = [
        dict(type="OpenMedia"),
        dict(type="SampleClips", clip_len=4, fps=25, num_clips=clips, test_mode=True),
        *([dict(type="LoadFrames")] if frames else []),
        dict(type="LoadFlowImages", directory=str(directory), **kwargs),
        *steps,
        dict(type="SplitFlowImages"),
    ]
    results = dict(filename=str(path), modality="RGB", label=0, failure=failure)
    for step in steps:
        results = TRANSFORMS.build(step)(results)
    return results


def directory(tmp_path):
    return tmp_path / "flow" / "{parent}" / "{stem}"


@pytest.mark.parametrize("frames", [True, False])
def test_flow_belongs_to_the_frames(video, tmp_path, frames):
    results = load(video, directory(tmp_path), frames=frames, clips=2)
    flow = results["flow"]
    assert flow.shape == (2, 2, 4, 96, 160)
    starts = np.rint(results["frame_times"][:, :-1] * 25 - 0.5).astype(int)
    levels = np.rint(flow[..., 0, 0] / STEP)
    assert np.abs(levels[:, 0] - starts).max() <= 1
    assert np.array_equal(levels[:, 1], -levels[:, 0])
    assert len(results["imgs"]) == (2 * 5 if frames else 0)
    if frames:
        shown = np.reshape(numbers(results["imgs"]), (2, 5))
        assert np.array_equal(levels[:, 0], shown[:, :-1])
    assert results["presence"]["flow"]


def test_geometry_acts_on_both(video, tmp_path):
    plain = load(video, directory(tmp_path))["flow"]
    steps = [
        dict(type="Resize", scale=(80, 24), keep_ratio=False),  # x half, y quarter
        dict(type="ThreeCrop", crop_size=24),
    ]
    results = load(video, directory(tmp_path), *steps)
    assert results["flow"].shape == (3, 2, 4, 24, 24)
    assert len(results["imgs"]) == 3 * 5
    for axis, factor in ((0, 0.5), (1, 0.25)):
        expected = plain[:, axis, :, :24, :24] * factor
        assert np.abs(results["flow"][:, axis] - expected).max() <= STEP / 2 + 1e-5


def test_flip_changes_the_sign(video, tmp_path):
    plain = load(video, directory(tmp_path))["flow"]
    for direction, signs in (("horizontal", (-1, 1)), ("vertical", (1, -1))):
        flip = dict(type="Flip", flip_ratio=1.0, direction=direction)
        flow = load(video, directory(tmp_path), flip)["flow"]
        assert np.allclose(flow, plain * np.reshape(signs, (1, 2, 1, 1, 1)))


def test_images_of_another_size(video, tmp_path):
    for path in (tmp_path / "flow" / "videos" / "a").iterdir():
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        cv2.imwrite(str(path), image[:48, :40])
    results = load(video, directory(tmp_path))
    assert results["flow"].shape == (1, 2, 4, 96, 160)
    levels = np.rint(results["flow"][0, :, :, 5, 5] / STEP)
    shown = np.array(numbers(results["imgs"]))[:-1]
    assert np.array_equal(levels[0], 4 * shown)
    assert np.array_equal(levels[1], -2 * shown)


def test_colour_comes_first(video, tmp_path):
    jitter = dict(type="ColorJitter", hue=0.0)
    with pytest.raises(ValueError, match="put it before LoadFlowImages"):
        np.random.seed(0)
        load(video, directory(tmp_path), jitter)


def images_of(tmp_path, pattern="flow_*"):
    return sorted((tmp_path / "flow" / "videos" / "a").glob(pattern))


def levels(results):
    """The images' numbers that the flow of each frame is from."""
    return np.rint(results["flow"][0, 0, :, 5, 5] / STEP).astype(int).tolist()


def test_images_that_are_not_there_are_an_absent_modality(video, tmp_path):
    for frames in (True, False):
        results = load(video, tmp_path / "nowhere", frames=frames)
        assert results["presence"]["flow"] is False
        assert results["presence"].get("rgb", frames) is frames
        assert results["flow"].shape == (1, 2, 4, 96, 160)
        assert not results["flow"].any() and not results.get("damage")
    for path in images_of(tmp_path, "flow_y_*"):
        path.unlink()
    results = load(video, directory(tmp_path))
    assert not results["presence"]["flow"] and not results["flow"].any()
    assert "flow images of one axis alone" in results["damage"][0]


@pytest.mark.parametrize("axis", ["x", "y"])
def test_broken_images_are_damage(video, tmp_path, axis):
    shown = levels(load(video, directory(tmp_path)))
    broken = shown[2]  # one: the image before stands in
    path = images_of(tmp_path, f"flow_{axis}_*")[broken]
    for spoil in (lambda: path.write_bytes(b"no image"), path.unlink):
        spoil()
        results = load(video, directory(tmp_path))
        assert levels(results) == [*shown[:2], shown[1], shown[3]]
        assert results["presence"]["flow"]
        (damage,) = results["damage"]
        assert path.name in damage or "1 of 39 flow images" in damage, damage
    for path in images_of(tmp_path, f"flow_{axis}_*"):
        path.write_bytes(b"no image")
    results = load(video, directory(tmp_path))
    assert not results["presence"]["flow"] and not results["flow"].any()
    assert any(path.name in damage for damage in results["damage"])


def test_images_of_several_sizes(video, tmp_path):
    for path in images_of(tmp_path, "flow_*_0000[1-5]*"):
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        cv2.imwrite(str(path), image[:48])
    results = load(video, directory(tmp_path), clips=4)
    assert not results["presence"]["flow"]
    assert "a has images of several sizes" in results["damage"][0]


def test_numbers_from_zero_and_sixteen_bits(video, tmp_path):
    plain = load(video, directory(tmp_path))
    for path in images_of(tmp_path):
        head, axis, number = path.stem.split("_")
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE).astype(np.uint16) * 256
        cv2.imwrite(
            str(path.with_name(f"{head}_{axis}_{int(number) - 1:05}.png")), image
        )
    images_of(tmp_path, "flow_x_00039.png")[0].unlink()
    images_of(tmp_path, "flow_y_00039.png")[0].unlink()
    results = load(video, directory(tmp_path))
    assert np.array_equal(results["flow"], plain["flow"])
    assert not results.get("damage")


def test_a_length_that_cannot_be(video, tmp_path):
    """39 images of 1.6 s: at 25 a second, not at 12."""
    assert not load(video, directory(tmp_path)).get("damage")
    results = load(video, directory(tmp_path), fps=12)
    assert "39 flow images" in results["damage"][0] and "3.2 s" in results["damage"][0]
    assert results["presence"]["flow"]


def test_geometry_comes_after_the_images(video, tmp_path):
    """Or a crop and a flip would act on the frames alone; a scale is made up for."""
    flip = dict(type="Flip", flip_ratio=0.0)
    crop = dict(type="CenterCrop", crop_size=64)
    scale = dict(type="Resize", scale=(80, 24), keep_ratio=False)

    def run(*steps):
        results = dict(filename=str(video), modality="RGB", label=0)
        template = "flow_{axis}_{index:05d}.png"
        images = dict(type="LoadFlowImages", directory=str(directory(tmp_path)))
        sample = dict(type="SampleClips", clip_len=4, fps=25, test_mode=True)
        split = dict(type="SplitFlowImages")
        parts = {
            "load": dict(type="LoadFrames"),
            "flow": dict(images, template=template),
        }
        steps = [parts.get(step, step) if isinstance(step, str) else step
                 for step in steps]  # fmt: skip
        for step in [dict(type="OpenMedia"), sample, *steps, split]:
            results = TRANSFORMS.build(step)(results)
        return results

    for step in (flip, crop):
        for steps in (("load", step, "flow"), (dict(step, lazy=True), "load", "flow")):
            with pytest.raises(ValueError, match=r"without lazy=True, after it"):
                run(*steps)
    before, after = run("load", scale, "flow"), run("load", "flow", scale)
    assert before["flow"].shape == after["flow"].shape == (1, 2, 4, 24, 80)
    assert np.abs(before["flow"] - after["flow"]).max() <= STEP / 2 + 1e-5


@pytest.mark.parametrize("frames", [True, False])
def test_flow_of_a_sample_given_up(tmp_path, frames):
    results = load(
        tmp_path / "gone.mp4",
        tmp_path / "nowhere",
        dict(type="Resize", scale=(32, 32), keep_ratio=False),
        frames=frames,
        clips=2,
        failure="is gone",
    )
    assert results["flow"].shape == (2, 2, 4, 32, 32) and not results["flow"].any()
    assert len(results["imgs"]) == (2 * 5 if frames else 0)
    assert not any(results["presence"].values())


def test_wrong_arguments():
    for build in (
        lambda: LoadFlowImages("flow/{name}"),
        lambda: LoadFlowImages("flow/{stem}", template="flow_{}.jpg"),
        lambda: LoadFlowImages("flow/{stem}", fps=0),
        lambda: SplitFlowImages(bound=-1),
        lambda: LoadClipAudioFeature("{video}.npy", rate=100),
        lambda: LoadClipAudioFeature("{stem}.npy", rate=0),
        lambda: LoadClipAudioFeature("{stem}.npy", rate=100, context=-1),
    ):
        with pytest.raises(ValueError):
            build()


def audio_results(tmp_path, starts=(0.5, 1.0)):
    return dict(
        filename=str(tmp_path / "videos" / "a.mp4"),
        clip_starts=np.array(starts),
        clip_duration=0.4,
        num_clips=len(starts),
    )


def test_audio_feature(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(200.0)[:, None] + [0.0, 1000.0])
    pattern = str(tmp_path / "{stem}.npy")
    results = LoadClipAudioFeature(pattern, rate=100)(audio_results(tmp_path))
    assert results["audio"].shape == (2, 2, 40)
    assert results["audio"].dtype == np.float32
    assert results["audio"][0, 0].tolist() == list(range(50, 90))
    assert results["audio"][1, 1].tolist() == list(range(1100, 1140))
    assert results["presence"] == {"audio": True}
    wide = LoadClipAudioFeature(pattern, 100, context=0.2)(audio_results(tmp_path))
    assert wide["audio"][0, 0].tolist() == list(range(40, 100))
    # Beyond the ends the last row is repeated.
    late = LoadClipAudioFeature(pattern, 100)(audio_results(tmp_path, [1.8]))
    assert late["audio"][0, 0, -1] == 199


def test_audio_feature_of_a_sample_given_up(tmp_path):
    results = dict(audio_results(tmp_path), failure="is gone")
    load = LoadClipAudioFeature(str(tmp_path / "{stem}.npy"), 100, absent_bands=80)
    results = load(results)
    assert results["audio"].shape == (2, 80, 40) and not results["audio"].any()
    assert results["audio"].dtype == np.float32
    assert results["presence"] == {"audio": False}


class Unpickled:
    ran = False

    def __reduce__(self):
        return setattr, (Unpickled, "ran", True)


def write_pickle(path):
    np.save(path, np.array([Unpickled()], dtype=object), allow_pickle=True)


def write_archive(path):
    with open(path, "wb") as file:
        np.savez(file, a=np.zeros((5, 2)))


def cut(path):
    np.save(path, np.zeros((50, 2)))
    path.write_bytes(path.read_bytes()[:300])


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: np.save(path, np.zeros(5)), r"expected an array \(time, bands\)"),
        (lambda path: np.save(path, np.zeros((5, 0))), "expected an array"),
        (lambda path: np.save(path, np.full((5, 2), np.nan)), "not finite"),
        (lambda path: np.save(path, np.full((5, 2), "a")), "not an array of numbers"),
        (write_archive, "several arrays"),
        (write_pickle, "is not a readable array"),
        (cut, "is not a readable array"),
        (lambda path: path.write_bytes(b""), "is not a readable array"),
        (
            lambda path: path.write_bytes(b"PK\3\4 no zip"),
            "is not a readable array",
        ),
    ],
)
def test_wrong_audio_feature(tmp_path, write, message):
    load = LoadClipAudioFeature(str(tmp_path / "{stem}.npy"), rate=100, absent_bands=3)
    results = load(audio_results(tmp_path))  # there is none: nothing is broken
    assert results["presence"] == {"audio": False} and "damage" not in results
    assert results["audio"].shape == (2, 3, 40) and not results["audio"].any()
    write(tmp_path / "a.npy")
    results = load(audio_results(tmp_path))
    assert results["presence"] == {"audio": False}
    assert re.search(rf"a\.npy: .*{message}", results["damage"][0])
    assert results["audio"].shape == (2, 3, 40) and not results["audio"].any()
    assert not Unpickled.ran


def test_a_feature_that_cannot_be_of_the_file(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((20, 2)))
    load = LoadClipAudioFeature(str(tmp_path / "{stem}.npy"), rate=100)
    (damage,) = load(audio_results(tmp_path))["damage"]
    assert "ends at 0.2 s, a clip begins at 1.0 s: is rate=100 right?" in damage


def test_a_machine_without_file_handles_is_no_damage(tmp_path, monkeypatch):
    """What the next sample would meet as well goes on as an error."""

    def refuse(*args, **kwargs):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(np, "load", refuse)
    load = LoadClipAudioFeature(str(tmp_path / "{stem}.npy"), rate=100)
    with pytest.raises(OSError, match="Too many"):
        load(audio_results(tmp_path))


def test_a_clock_that_begins_late(tmp_path):
    """The feature begins with the sound, whatever the file's clock says there."""
    times = 5 + np.arange(40) / 25
    path = write_coded(tmp_path / "late.mkv", 40, None, frame_times=times)
    np.save(tmp_path / "late.npy", np.arange(200.0)[:, None])
    results = dict(filename=str(path))
    for step in (
        dict(type="OpenMedia"),
        dict(type="SampleClips", clip_len=10, fps=25, test_mode=True),
        dict(type="LoadClipAudioFeature", path=str(tmp_path / "{stem}.npy"), rate=100),
    ):
        results = TRANSFORMS.build(step)(results)
    begin = round((results["clip_starts"][0] - 5) * 100)
    assert abs(results["audio"][0, 0, 0] - begin) <= 1 and begin > 30
