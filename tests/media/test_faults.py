"""What is left of a damaged file is read, and it is said what is not."""

from __future__ import annotations

from itertools import product

import av
import numpy as np
import pytest
from helpers_culprits import culprits
from helpers_media import (
    chirp,
    chirp_sound,
    coded_frames,
    frame_number,
    lag,
    numbers,
    shown_at,
    write_coded,
)

from mmstconv.media import (
    MediaError,
    SoundCoding,
    UnreadableMediaError,
    VideoCoding,
    open_media,
    write_media,
)

RATE = 16000
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}
B_FRAMES = {"bf": "3", "preset": "medium"}
OPEN_GROUPS = {"bf": "3", "x264-params": "open-gop=1"}
REFRESH = {"x264-params": "intra-refresh=1"}
KINDS = {  # video codec and its options, audio codec, options of the muxer
    "index at the end.mp4": ("libx264", None, "aac", {}),
    "index first.mp4": ("libx264", None, "aac", {"movflags": "faststart"}),
    "fragmented.mp4": ("libx264", None, "aac", FRAGMENTED),
    "old.mov": ("libx264", None, "aac", {}),
    "b frames.mp4": ("libx264", B_FRAMES, "aac", {}),
    "open groups.mkv": ("libx264", OPEN_GROUPS, "aac", {}),
    "open groups.ts": ("libx264", OPEN_GROUPS, "aac", {}),
    "refresh.mp4": ("libx264", REFRESH, "aac", {}),
    "plain.mkv": ("libx264", None, "aac", {}),
    "plain.ts": ("libx264", None, "aac", {}),
    "plain.flv": ("libx264", None, "aac", {}),
    "plain.avi": ("mpeg4", {"bf": "2"}, "aac", {}),
    "plain.mpg": ("mpeg2video", {}, "mp2", {}),
    "plain.wmv": ("wmv2", {}, "libmp3lame", {}),
    "plain.webm": ("libvpx-vp9", None, "libopus", {}),
}


def write_kind(folder, name, count=100):
    """Four seconds; noise makes the video most of the file."""
    rng = np.random.default_rng(0)
    frames = [
        np.clip(frame + rng.integers(-12, 13, frame.shape), 0, 255).astype(np.uint8)
        for frame in coded_frames(count)
    ]
    video, options, audio, muxer = KINDS[name]
    rate = 48000 if audio == "libopus" else 44100
    return write_media(
        folder / name,
        frames,
        25,
        chirp_sound(count / 25, 1.0, rate),
        rate,
        video=VideoCoding(codec=video, options=options, gop_size=12),
        sound=SoundCoding(codec=audio, bit_rate=64000),
        container_options=muxer,
    )


@pytest.fixture(params=["pyav", "decord"])
def reader(request):
    if request.param == "decord":
        pytest.importorskip("decord")
    return request.param


def test_whole_files_are_not_called_damaged(tmp_path):
    def check(name: str) -> None:
        path = write_kind(tmp_path, name)
        rng = np.random.default_rng(0)
        with open_media(path) as media:
            start, end = media.extent
            for _ in range(6):
                media.frames_at(rng.uniform(start - 0.1, end + 0.1, 5))
                media.frames_at(rng.uniform(start, end) + np.arange(8) / 25)
                at = rng.uniform(start, end)
                media.waveform(at, at + 0.5, RATE)
            media.frames_at(np.linspace(start, end, 100))
            media.waveform(start - 1, end + 1, RATE)
            assert media.damage == ()

    assert culprits(check, product(KINDS)) == []


CUT = ["fragmented.mp4", "index first.mp4"]
CUT += ["plain.mkv", "plain.ts", "plain.flv", "plain.avi"]


def test_cut_short(tmp_path, reader):
    """The frames that exist are there, at their times, and the damage is told."""
    whole = {name: write_kind(tmp_path, name) for name in CUT}
    part_file = tmp_path / "part"

    def check(name: str, part: float) -> None:
        with open_media(whole[name], reader) as media:
            begin = media.extent[0]
        content = whole[name].read_bytes()
        path = part_file.with_suffix(whole[name].suffix)
        path.write_bytes(content[: int(len(content) * part)])
        with open_media(path, reader) as media:
            start, end = media.extent
            assert start == pytest.approx(begin)
            assert 0 < end - start < 3.9  # of four seconds
            # Of the last ones, some may be missing that are stored after later ones.
            stamps = start + np.arange(round((end - start) * 25) - 5) / 25
            assert numbers(media.frames_at(stamps)) == list(range(len(stamps)))
            media.frames_at([start + 3.9])
            sound = media.waveform(start, start + 4, RATE)
            assert len(sound) == 4 * RATE
            assert any("is cut short" in line for line in media.damage)

    assert culprits(check, product(CUT, [0.52, 0.61, 0.7, 0.83])) == []


def test_fragmented_mp4_cut_anywhere(tmp_path):
    """Also within the header of a fragment, where FFmpeg gives up on the whole."""
    path = write_kind(tmp_path, "fragmented.mp4")
    content = path.read_bytes()

    def check(fragment: int, beyond: int) -> None:
        start = -1
        for _ in range(fragment):
            start = content.index(b"moof", start + 1)
        path.write_bytes(content[: start - 4 + beyond])
        with open_media(path) as media:
            start, end = media.extent
            exist = np.arange(round((end - start) * 25) - 5)
            assert len(exist) > 8 * (fragment - 1) - 5
            assert numbers(media.frames_at(start + exist / 25)) == exist.tolist()
            assert end - start < 0.5 * fragment
            assert any("is cut short" in line for line in media.damage)

    assert culprits(check, product([2, 5, 8], [4, 9, 142, 223, 1000])) == []


def test_cut_before_the_index(tmp_path, reader):
    path = write_kind(tmp_path, "index at the end.mp4")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(
        UnreadableMediaError, match=r"is cut short: .* missing"
    ) as caught:
        open_media(path, reader)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["b frames.mp4", "plain.mkv", "plain.flv"])
def test_broken_packet(tmp_path, name):
    """Only what was asked for is judged."""
    path = write_kind(tmp_path, name)
    with av.open(str(path)) as media:
        packet = [p for p in media.demux(video=0) if p.is_keyframe and p.size][4]
        place, size = packet.pos + packet.size // 4, packet.size // 2
    content = bytearray(path.read_bytes())
    # Some bytes are a picture by chance (of twelve such tries one), not these.
    content[place : place + size] = np.random.default_rng(1).bytes(size)
    path.write_bytes(content)
    with open_media(path) as media:
        times = media.extent[0] + np.arange(100) / 25
        assert numbers(media.frames_at(times[:30])) == list(range(30))
        # Matroska's check sum is of all that is within some seconds.
        assert media.damage == () or path.suffix == ".mkv"
        assert len(media.frames_at(times)) == 100
        damage = media.damage
        assert any("video" in line or "parts" in line for line in damage)
        media.frames_at(times)
        assert media.damage == damage  # each place counts once


def test_damaged_sound(tmp_path):
    path = write_media(
        tmp_path / "a.flac",
        waveform=chirp_sound(4.0, 1.0, 44100),
        sample_rate=44100,
        sound=SoundCoding(codec="flac"),
    )
    content = bytearray(path.read_bytes())
    place = len(content) // 2
    content[place : place + 3000] = bytes(np.random.default_rng(0).bytes(3000))
    path.write_bytes(content)
    with open_media(path) as media:
        assert media.waveform(0.0, 0.5, RATE).shape == (8000,)
        assert media.damage == ()
        assert np.isfinite(media.waveform(0.0, 4.0, RATE)).all()
        assert media.damage


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".ts"])
def test_nothing_decodable(tmp_path, reader, suffix):
    """A header and random bytes: an error with the name, never a made-up frame."""
    codec = "mpeg4" if suffix == ".avi" else "libx264"
    path = write_coded(tmp_path / f"a{suffix}", 50, video_codec=codec, video_options={})
    content = path.read_bytes()
    keep = content.index(b"mdat") + 4 if suffix == ".mp4" else 600
    junk = np.random.default_rng(1).bytes(len(content) - keep)
    path.write_bytes(content[:keep] + junk)
    with pytest.raises(MediaError, match=rf"a\{suffix}: "):
        with open_media(path, reader) as media:
            media.frames_at([0.5])


@pytest.mark.parametrize(
    ("suffix", "video", "audio"),
    [
        (".mp4", "libx264", "aac"),
        (".mkv", "libx264", "libopus"),
        (".ts", "libx264", "aac"),
        (".webm", "libvpx-vp9", "libopus"),
    ],
)
@pytest.mark.parametrize(("video_late", "audio_late"), [(0.0, 0.63), (0.57, 0.0)])
def test_events_stay_together(tmp_path, suffix, video, audio, video_late, audio_late):
    """Variable rate, one of both starting late: a flash and a chirp of one instant.

    The picture changes within one frame of it, the sound begins within 10 ms.
    """
    rng = np.random.default_rng(3)
    stamps = video_late + np.cumsum(rng.uniform(0.015, 0.11, 60)).round(3)
    event = 40
    at = stamps[event]
    path = write_coded(
        tmp_path / f"a{suffix}",
        60,
        None,
        frame_times=stamps,
        video_codec=video,
        waveform=chirp_sound(5.0, at - audio_late, 48000),
        sample_rate=48000,
        audio_codec=audio,
        audio_offset=audio_late,
    )
    with open_media(path) as media:
        start = media.extent[0]
        fine = start + np.arange(0, stamps[-1] - stamps[0], 0.002)
        shown = numbers(media.frames_at(fine))
        seen = fine[shown.index(event)]
        window = seen - 0.5
        found = media.waveform(window, window + 1.5, RATE)
    # The same numbers at the same times, from the first frame on.
    assert np.mean(np.array(shown) == shown_at(stamps, fine - start + stamps[0])) > 0.98
    times = window + np.arange(len(found)) / RATE
    late = lag(found, chirp(times, seen), RATE)
    assert abs(late) < 0.01


@pytest.mark.parametrize("seconds", [1.0, 4.0])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_sound_shorter_or_longer_than_video(tmp_path, suffix, seconds):
    """The video's extent counts; past the end of the sound is silence."""
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * 44100)) / 44100)
    path = write_coded(
        tmp_path / f"a{suffix}",
        50,
        waveform=tone.astype(np.float32),
        sample_rate=44100,
    )
    with open_media(path) as media:
        start, end = media.extent
        assert end - start == pytest.approx(2.0, abs=0.01)
        found = media.waveform(start, end, RATE)
        assert media.damage == ()
    assert np.abs(found[1000 : int(0.9 * RATE)]).max() > 0.4
    rest = np.abs(found[int(1.1 * RATE) : int(1.9 * RATE)]).max()
    assert rest > 0.4 if seconds > 2 else rest == 0


def test_no_peak_grows(tmp_path):
    """Tones in phase on all channels, the worst case of a downmix."""

    def check(channels: int, rate: int) -> None:
        times = np.arange(2 * rate) / rate
        tone = 0.9 * np.sin(2 * np.pi * 313 * times)
        path = write_media(
            tmp_path / "a.mkv",
            waveform=np.tile(tone.astype(np.float32), (channels, 1)),
            sample_rate=rate,
            sound=SoundCoding(codec="flac"),
        )
        with open_media(path) as media:
            found = media.waveform(0.1, 1.9, RATE)
        assert 0.89 < np.abs(found).max() < 0.9 * 1.001

    assert culprits(check, product([1, 2, 6], [8000, 22050, 44100, 96000])) == []


def test_scaled_while_decoding(tmp_path, reader):
    """Upright, the shorter side as asked, the same picture."""
    wanted = [20, 3, 3, 17]
    times = [(number + 0.5) / 25 for number in wanted]

    def check(suffix: str, rotation: int) -> None:
        path = write_coded(tmp_path / f"a{suffix}", 30, rotation=rotation)
        with open_media(path, reader) as media:
            whole, small = media.frames_at(times), media.frames_at(times, short_side=48)
            large = media.frames_at(times[:1], short_side=144)
            assert media.frames_at([], short_side=48) == []
            with pytest.raises(ValueError, match="short_side must be positive"):
                media.frames_at(times, short_side=0)
        assert {frame.shape for frame in small} == {(48, 64, 3)}
        assert large[0].shape == (144, 192, 3)
        assert numbers(small) == numbers(whole) == wanted
        assert frame_number(large[0]) == 20
        assert small[0].flags["C_CONTIGUOUS"]
        small[1][:] = 0  # no two share memory
        assert frame_number(small[2]) == 3
        reduced = whole[0].reshape(48, 2, 64, 2, 3).mean((1, 3))
        assert np.abs(reduced - small[0]).mean() < 4

    assert culprits(check, product([".mp4", ".mkv"], [0, 90, 180, 270])) == []


def test_bytes_are_judged_the_same(tmp_path):
    path = write_kind(tmp_path, "fragmented.mp4")
    content = path.read_bytes()
    part = content[: len(content) * 7 // 10]
    with open_media(part) as media:
        start = media.extent[0]
        assert numbers(media.frames_at([start, start + 0.21])) == [0, 5]
        assert any("is cut short" in line for line in media.damage)
    with open_media(content) as media:
        assert numbers(media.frames_at([media.extent[0] + 3.9])) == [97]
        assert media.damage == ()
