"""One clip window for all modalities, on the file's clock."""

from __future__ import annotations

import numpy as np
import pytest
from helpers_media import (
    chirp,
    chirp_sound,
    coded_frames,
    lag,
    numbers,
    shown_at,
    write_coded,
)
from mmaction.registry import TRANSFORMS
from mmaction.utils import register_all_modules

from mmstconv.datasets import (
    ComputeFlow,
    FormatClips,
    LoadFrames,
    LoadWaveform,
    OpenMedia,
    SampleClips,
)
from mmstconv.media import (
    MediaLimitError,
    UntrustedMediaError,
    VideoCoding,
    write_media,
)
from mmstconv.media.pyav.frame_decoder import FrameDecoder

register_all_modules(init_default_scope=True)


class FakeMedia:
    has_video = has_audio = True

    def __init__(self, start, end):
        self.extent = (start, end)


def sample(start=1.0, end=11.0, **kwargs):
    kwargs = dict(dict(clip_len=8, fps=10), **kwargs)
    return SampleClips(**kwargs)({"media": FakeMedia(start, end)})


def load(path, *transforms, reader="pyav"):
    results = OpenMedia(reader)({"filename": str(path)})
    for transform in transforms:
        results = transform(results)
    return results


def test_one_clip_in_the_middle():
    results = sample(test_mode=True)
    assert results["frame_times"].shape == (1, 9)
    assert results["frame_times"].dtype == np.float64
    assert results["clip_duration"] == 0.8
    assert (results["clip_len"], results["num_clips"]) == (8, 1)
    assert results["clip_starts"] == pytest.approx([5.6])
    assert np.allclose(np.diff(results["frame_times"]), 0.1)


def test_clips_lie_in_their_segments():
    np.random.seed(0)
    room = 10 - 0.8
    for _ in range(50):
        starts = sample(num_clips=4)["clip_starts"] - 1.0
        segments = starts / (room / 4)
        assert (np.floor(segments) == np.arange(4)).all()
    middle = sample(num_clips=4, test_mode=True)["clip_starts"] - 1.0
    assert np.allclose(middle / (room / 4), np.arange(4) + 0.5)


def test_numpy_seed_decides():
    np.random.seed(3)
    one = sample()["clip_starts"]
    two = sample()["clip_starts"]
    np.random.seed(3)
    assert sample()["clip_starts"] == one != two


@pytest.mark.parametrize("seconds", [0.8, 0.5, 0.3, 0.04])
def test_short_files_start_again(seconds):
    results = sample(1.0, 1.0 + seconds, num_clips=2)
    times = results["frame_times"]
    assert np.allclose(results["clip_starts"], 1.0)
    assert (times >= 1.0).all()
    assert (times < 1.0 + seconds).all()
    expected = np.round(np.arange(9) / 10 % seconds, 9) % seconds
    assert np.allclose(times - 1.0, expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(clip_len=0), "clip_len must be a positive integer, got 0"),
        (dict(clip_len=2.5), "clip_len"),
        (dict(clip_len=True), "clip_len"),
        (dict(fps=0), "fps must be a positive number, got 0"),
        (dict(fps=float("nan")), "fps"),
        (dict(num_clips=-1), "num_clips"),
        (dict(speeds=(0, 1)), "speeds must be a positive number, got 0"),
        (dict(speeds=(2, 1)), r"must be \(slowest, fastest\), got \(2, 1\)"),
    ],
)
def test_wrong_sampling(arguments, message):
    with pytest.raises(ValueError, match=message):
        sample(**arguments)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: OpenMedia("opencv"), r"reader must be one of \['decord', 'pyav'\]"),
        (lambda: LoadWaveform(sample_rate=0), "sample_rate"),
        (lambda: LoadWaveform(context=-1), "context must be a number of at least 0"),
        (lambda: LoadFrames(short_side=0), "short_side"),
        (lambda: OpenMedia(timeout=0), "timeout must be a positive number"),
        (lambda: OpenMedia(limits=dict(max_pixels=0)), "max_pixels must be positive"),
    ],
)
def test_wrong_loading(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_order_of_the_pipeline():
    with pytest.raises(KeyError, match="SampleClips needs 'media'; put OpenMedia"):
        SampleClips(8, 10)({})
    with pytest.raises(KeyError, match="put SampleClips before it"):
        LoadFrames()({"media": FakeMedia(0, 1)})


@pytest.mark.parametrize("reader", ["pyav", "decord"])
@pytest.mark.parametrize("fps", [24, 25, 30])
def test_frames_of_the_sampled_times(tmp_path, fps, reader):
    pytest.importorskip(reader if reader == "decord" else "av")
    path = write_coded(tmp_path / "a.mp4", 60, fps)
    results = load(path, SampleClips(8, 12.5, num_clips=3), LoadFrames(), reader=reader)
    stamps = np.arange(60) / fps
    assert len(results["imgs"]) == 3 * 9
    assert numbers(results["imgs"]) == shown_at(stamps, results["frame_times"].ravel())
    assert results["img_shape"] == results["original_shape"] == (96, 128)
    assert results["presence"] == {"rgb": True, "flow": True}


def test_sound_of_the_sampled_times(tmp_path):
    path = write_coded(
        tmp_path / "a.mp4",
        75,
        25,
        waveform=chirp_sound(3.0, 1.3, 44100, 2),
        sample_rate=44100,
        audio_offset=0.25,
    )
    clips = SampleClips(16, 16, num_clips=3, test_mode=True)
    for context in (0.0, 0.5):
        results = load(path, clips, LoadWaveform(16000, context))
        length = round((1 + context) * 16000)
        assert results["waveform"].shape == (3, length)
        assert results["presence"] == {"audio": True}
        for start, found in zip(results["clip_starts"], results["waveform"]):
            times = start - context / 2 + np.arange(length) / 16000
            truth = chirp(times, 1.55)
            if np.abs(truth).max() > 0.3:
                assert abs(lag(found, truth, 16000)) < 1e-4


def test_no_sound(tmp_path):
    path = write_coded(tmp_path / "a.mp4", 25)
    results = load(path, SampleClips(8, 25), LoadWaveform(8000))
    assert results["waveform"].shape == (1, 2560)
    assert not results["waveform"].any()
    assert results["presence"] == {"audio": False}


def test_no_picture(tmp_path):
    path = write_media(
        tmp_path / "a.m4a", waveform=chirp_sound(2, 0.2, 16000), sample_rate=16000
    )
    results = load(path, SampleClips(8, 25), LoadFrames(), LoadWaveform())
    assert [frame.shape for frame in results["imgs"]] == [(256, 256, 3)] * 9
    assert not np.any(results["imgs"])
    assert results["presence"] == {"rgb": False, "flow": False, "audio": True}
    results["imgs"][0][:] = 1  # augmentations write into frames
    assert not results["imgs"][1].any()


def test_sound_alone_decodes_no_picture(tmp_path, monkeypatch):
    path = write_coded(
        tmp_path / "a.mp4", 50, waveform=chirp_sound(2, 0.8, 16000), sample_rate=16000
    )

    def refuse(*args):
        pytest.fail("video was decoded")

    monkeypatch.setattr(FrameDecoder, "decode", refuse)
    clips = SampleClips(8, 25, test_mode=True)
    assert load(path, clips, LoadWaveform())["waveform"].any()


@pytest.mark.parametrize("fps", [8, 25, 60])
def test_one_frame(tmp_path, fps):
    path = write_media(tmp_path / "a.mp4", coded_frames(1), 25)
    results = load(path, SampleClips(8, fps), LoadFrames(), ComputeFlow())
    assert numbers(results["imgs"]) == [0] * 9
    assert not results["flow"].any()


def test_shorter_than_the_clip(tmp_path):
    """It starts again; where it does, no motion is seen."""
    shifted = [np.roll(coded_frames(1)[0], 2 * k, axis=1) for k in range(3)]
    path = write_media(tmp_path / "a.mp4", shifted, 25)
    results = load(path, SampleClips(6, 25), LoadFrames(), ComputeFlow())
    means = [image.astype(int) for image in results["imgs"]]
    assert all(np.array_equal(means[k], means[k % 3]) for k in range(7))
    moves = np.abs(results["flow"]).max(axis=(0, 1, 3, 4)) > 0
    assert moves.tolist() == [True, True, False] * 2


@pytest.mark.parametrize(("width", "height"), [(160, 90), (90, 160), (33, 100)])
def test_scaled_while_decoding(tmp_path, width, height):
    """To the sizes that MMAction2's Resize gives."""
    path = write_media(tmp_path / "a.mp4", [np.full((height, width, 3), 90, np.uint8)],
                       25, video=VideoCoding(pix_fmt="yuv444p"))  # fmt: skip
    clips = SampleClips(2, 25)
    scaled = load(path, clips, LoadFrames(short_side=32))
    resize = TRANSFORMS.build(dict(type="Resize", scale=(-1, 32)))
    resized = load(path, clips, LoadFrames(), resize)
    assert scaled["img_shape"] == tuple(resized["img_shape"])
    assert [image.shape for image in scaled["imgs"]] == [
        image.shape for image in resized["imgs"]
    ]


def test_a_sample_given_up_is_not_opened(tmp_path):
    results = dict(filename=str(tmp_path / "gone.mp4"), failure="is gone", damage=[])
    steps = [OpenMedia(), SampleClips(4, 8, num_clips=2), LoadFrames(short_side=32)]
    steps += [ComputeFlow(), LoadWaveform(), FormatClips(["rgb", "flow"])]
    for step in steps:
        results = step(results)
    assert results["rgb"].shape == (2, 3, 4, 32, 32) and not results["rgb"].any()
    assert results["flow"].shape == (2, 2, 4, 32, 32) and not results["flow"].any()
    assert results["waveform"].shape == (2, 8000) and not results["waveform"].any()
    assert results["presence"] == dict(rgb=False, flow=False, audio=False)
    assert results["damage"] == []


def test_limits_of_the_config(tmp_path):
    path = write_coded(tmp_path / "a.mp4", 5)
    clips = SampleClips(2, 25)
    with pytest.raises(MediaLimitError, match=r"a\.mp4: has 12288 pixels"):
        results = OpenMedia(limits=dict(max_pixels=12000))({"filename": str(path)})
        LoadFrames()(clips(results))
    with pytest.raises(TypeError, match="max_size"):
        OpenMedia(limits=dict(max_size=3))


def test_missing_and_untrusted(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.mp4"):
        load(tmp_path / "gone.mp4")
    (tmp_path / "list.mp4").write_text("#EXTM3U\n/etc/hostname\n")
    with pytest.raises(UntrustedMediaError, match=r"list\.mp4"):
        load(tmp_path / "list.mp4")
