"""Which frame is returned for a time, for many kinds of files and both readers."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from helpers_culprits import culprits
from helpers_media import coded_frames, frame_number, numbers, shown_at, write_coded

from mmstconv.media import NoStreamError, VideoCoding, open_media, write_media

READERS = ("pyav", "decord")


@pytest.fixture(params=READERS)
def reader(request):
    if request.param == "decord":
        pytest.importorskip("decord")
    return request.param


def some_times(stamps, seed=0, count=24):
    """Random times that stay clear of the boundaries between frames."""
    rng = np.random.default_rng(seed)
    times = rng.uniform(stamps[0] - 0.05, stamps[-1] + 0.1, count)
    near = np.abs(times[:, None] - stamps).min(1) < 0.002
    return times[~near]


def test_constant_rate(tmp_path, reader):
    def check(fps: float, suffix: str) -> None:
        path = write_coded(tmp_path / f"a{suffix}", 60, fps)
        stamps = np.arange(60) / fps
        times = some_times(stamps)
        with open_media(path, reader) as media:
            assert numbers(media.frames_at(times)) == shown_at(stamps, times)
            # On the boundaries themselves the new frame is shown.
            assert numbers(media.frames_at(stamps)) == list(range(60))

    rates = [24, 25, 30, 30000 / 1001]
    assert culprits(check, product(rates, [".mp4", ".mkv"])) == []


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_variable_rate(tmp_path, reader, suffix):
    rng = np.random.default_rng(1)
    stamps = 0.5 + np.cumsum(rng.uniform(0.01, 0.12, 50)).round(3)
    codec = "libvpx-vp9" if suffix == ".webm" else "libx264"
    path = write_coded(
        tmp_path / f"a{suffix}", 50, None, frame_times=stamps, video_codec=codec
    )
    times = some_times(stamps, 2, 40)
    with open_media(path, reader) as media:
        assert numbers(media.frames_at(times)) == shown_at(stamps, times)
        assert media.extent[0] == pytest.approx(stamps[0], abs=1e-3)
        assert stamps[-1] <= media.extent[1] < stamps[-1] + 0.2


CODINGS = [
    ("bframes.mp4", "libx264", {"bf": "3", "preset": "medium"}),
    ("open_gop.mkv", "libx264", {"bf": "3", "x264-params": "open-gop=1"}),
    ("plain.avi", "mpeg4", {"bf": "0"}),
    ("bframes.avi", "mpeg4", {"bf": "2"}),
    ("h264.avi", "libx264", {"bf": "2", "preset": "veryfast"}),
    ("stream.ts", "libx264", {"preset": "veryfast"}),
    ("stream.mpg", "mpeg2video", {"bf": "2"}),
    ("old.flv", "flv", {}),
    ("old.wmv", "wmv2", {}),
    ("new.webm", "libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}),
]


def test_codecs_and_containers(tmp_path, reader):
    def check(name: str, codec: str, options: dict) -> None:
        coding = dict(video_codec=codec, video_options=options)
        path = write_coded(tmp_path / name, 60, 25, **coding)
        with open_media(path, reader) as media:
            start, end = media.extent
            assert end - start == pytest.approx(60 / 25, abs=0.002)
            stamps = start + np.arange(60) / 25
            times = some_times(stamps, 3)
            assert numbers(media.frames_at(times)) == shown_at(stamps, times)
            again = times[:3]  # going back seeks
            assert numbers(media.frames_at(again)) == shown_at(stamps, again)

    assert culprits(check, CODINGS) == []


def test_any_order_and_repetition(tmp_path, reader):
    path = write_coded(tmp_path / "a.mp4", 50, 25)
    wanted = [40, 3, 3, 17, 40, 0]
    with open_media(path, reader) as media:
        frames = media.frames_at([(number + 0.5) / 25 for number in wanted])
        assert numbers(frames) == wanted
        frames[1][:] = 0  # repeated frames do not share memory
        assert frame_number(frames[2]) == 3
        assert numbers(media.frames_at([-5.0, 100.0])) == [0, 49]
        assert media.frames_at([]) == []
        with pytest.raises(ValueError, match="finite"):
            media.frames_at([float("nan")])


def test_frames_far_apart(tmp_path, reader):
    """Long gaps, with a key frame in each and with a single one at the beginning."""
    for gop_size in (10, 1000):
        path = write_coded(tmp_path / f"{gop_size}.mkv", 200, 10, gop_size=gop_size)
        wanted = [3, 5, 90, 91, 150, 199]
        with open_media(path, reader) as media:
            frames = media.frames_at([(number + 0.5) / 10 for number in wanted])
            assert numbers(frames) == wanted


def test_long_video_is_not_read_whole(tmp_path, monkeypatch):
    from mmstconv.media.pyav.packet_source import Source

    path = write_coded(tmp_path / "a.mp4", 250, 5, gop_size=10)
    read = []
    packets = Source.packets

    def count(self, stream):
        for packet in packets(self, stream):
            read.append(packet)
            yield packet

    monkeypatch.setattr(Source, "packets", count)
    with open_media(path) as media:
        assert media.extent == pytest.approx((0, 50))
        assert numbers(media.frames_at([10.1, 40.1])) == [50, 200]
    assert len(read) < 60


def test_rotation(tmp_path, reader):
    def check(suffix: str, rotation: int) -> None:
        path = write_coded(tmp_path / f"a{suffix}", 5, rotation=rotation)
        with open_media(path, reader) as media:
            frames = media.frames_at(np.arange(5) / 25)
            assert numbers(frames) == [0, 1, 2, 3, 4]
            assert frames[0].shape == (96, 128, 3)
            assert frames[0].flags["C_CONTIGUOUS"]
            info = media.info
            assert (info.width, info.height, info.rotation) == (128, 96, rotation)

    assert culprits(check, product([".mp4", ".mov", ".mkv"], [90, 180, 270])) == []


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_mirrored(tmp_path, rotation):
    import av

    source = write_coded(tmp_path / "a.mp4", 3)
    path = tmp_path / "mirrored.mov"
    with av.open(str(source)) as media, av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", 25, options={"crf": "10"})
        stream.width, stream.height = (128, 96) if rotation % 180 == 0 else (96, 128)
        stream.pix_fmt = "yuv420p"
        # `hflip` mirrors the turned frame: undo both, in the opposite order.
        stream.set_display_rotation(rotation, hflip=True)
        for frame in media.decode(video=0):
            image = frame.to_ndarray(format="rgb24")
            stored = np.ascontiguousarray(np.rot90(image[:, ::-1], -rotation // 90))
            target.mux(stream.encode(av.VideoFrame.from_ndarray(stored)))
        target.mux(stream.encode(None))
    for reader in READERS:
        with open_media(path, reader) as media:
            assert numbers(media.frames_at([0.02, 0.06, 0.1])) == [0, 1, 2]
            assert media.info.mirrored


@pytest.mark.parametrize(
    ("width", "height", "codec", "pix_fmt", "suffix"),
    [
        (127, 95, "mpeg4", "yuv420p", ".mp4"),
        (127, 96, "libvpx-vp9", "yuv420p", ".webm"),
        (127, 95, "libx264", "yuv444p", ".mkv"),
        (130, 98, "libx264", "yuv420p", ".mp4"),
    ],
)
def test_sizes(tmp_path, reader, width, height, codec, pix_fmt, suffix):
    path = write_coded(
        tmp_path / f"a{suffix}",
        10,
        width=width,
        height=height,
        video_codec=codec,
        pix_fmt=pix_fmt,
    )
    with open_media(path, reader) as media:
        frames = media.frames_at(np.arange(10) / 25)
        assert frames[0].shape == (height, width, 3)
        assert numbers(frames) == list(range(10))


@pytest.mark.parametrize(
    ("colorspace", "full_range", "suffix"),
    [
        ("bt601", False, ".mp4"),
        ("bt709", False, ".mp4"),
        ("bt709", True, ".mkv"),
        (None, True, ".mp4"),
    ],
)
def test_colours(tmp_path, reader, colorspace, full_range, suffix):
    """Whatever matrix and range the file uses, the colours come back."""
    colours = np.array([[250, 10, 10], [10, 250, 10], [10, 10, 250], [128, 60, 200]])
    frame = np.repeat(np.repeat(colours[None], 64, 0), 16, 1).astype(np.uint8)
    path = write_media(
        tmp_path / f"a{suffix}",
        [frame] * 5,
        25,
        video=VideoCoding(
            colorspace=colorspace, full_range=full_range, options={"crf": "4"}
        ),
    )
    with open_media(path, reader) as media:
        image = media.frames_at([0.1])[0]
    found = image[32, 8::16].astype(int)
    assert np.abs(found - colours).max() <= 6


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_readers_agree(tmp_path, suffix):
    pytest.importorskip("decord")
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (96, 128, 3), dtype=np.uint8)
    frames = [np.roll(noise, 3 * k, 1) // 2 + 60 for k in range(30)]
    path = write_media(
        tmp_path / f"a{suffix}", frames, 30, video=VideoCoding(gop_size=10)
    )
    times = rng.uniform(0, 1, 12)
    with open_media(path) as one, open_media(path, "decord") as other:
        pairs = zip(one.frames_at(times), other.frames_at(times))
        assert other.uses_decord
        for first, second in pairs:
            assert np.abs(first.astype(int) - second).max() <= 2


def test_one_frame(tmp_path, reader):
    path = write_media(tmp_path / "a.mp4", coded_frames(1), 25)
    with open_media(path, reader) as media:
        start, end = media.extent
        assert (start, end) == pytest.approx((0, 0.04))
        assert numbers(media.frames_at([0.0, 1.0])) == [0, 0]


def test_cover_picture_is_no_video(tmp_path):
    import av
    import cv2

    path = tmp_path / "a.mkv"
    cover = cv2.imencode(".jpg", np.full((32, 32, 3), 90, np.uint8))[1].tobytes()
    with av.open(str(path), "w") as target:
        target.add_attachment("cover.jpg", "image/jpeg", cover)
        stream = target.add_stream("aac", 16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), np.float32), "fltp", "mono"
        )
        frame.sample_rate = 16000
        target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    with av.open(str(path)) as media:
        assert len(media.streams.video) == 1
    with open_media(path) as media:
        assert media.has_audio
        assert not media.has_video


def test_no_video(tmp_path, reader):
    path = write_media(
        tmp_path / "a.m4a", waveform=np.zeros(16000, np.float32), sample_rate=16000
    )
    with open_media(path, reader) as media:
        assert not media.has_video
        assert media.has_audio
        assert media.extent == pytest.approx((0, 1), abs=0.07)
        assert media.info.width == 0
        with pytest.raises(NoStreamError, match="has no video"):
            media.frames_at([0.0])
