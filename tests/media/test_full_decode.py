"""Any clip equals a full decode of the file at the same times, whatever the stream."""

from __future__ import annotations

import io
from fractions import Fraction
from functools import cache, partial

import av
import numpy as np
import pytest
from helpers_media import chirp, chirp_sound, coded_frames, lag, numbers
from helpers_streams import (
    RATE,
    SIDE,
    encode,
    fields,
    shifted,
    with_edits,
    without_beginning,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmstconv.media import SoundCoding, VideoCoding, open_media, write_media

B_FRAMES = {"bf": "3", "preset": "veryfast"}
OPEN = {"bf": "3", "x264-params": "open-gop=1"}
IRREGULAR = [0, 1, 2, 7, 8, 9, 10, 22, 23, 24, 30, 31, 32, 33, 45, 46, 47, 48, 60, 61]
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}
MOVIES = ("mp4", "mov")
TIMED = (*MOVIES, "mkv", "ts", "flv")


def fragmented(seconds: float, suffix: str) -> bytes:
    return shifted(encode(suffix, options=B_FRAMES, muxer=FRAGMENTS), seconds)


def edited(suffix: str, edits) -> bytes:
    content = encode(suffix, options=B_FRAMES, count=80, gop_size=20)
    return with_edits(content, edits)


def interlaced(suffix: str) -> bytes:
    """Fields together in a packet, of MPEG-2."""
    return encode(suffix, "mpeg2video", options={"flags": "+ildct+ilme", "bf": "2"})


def headless(suffix: str) -> bytes:
    return without_beginning(encode(suffix, options=B_FRAMES, gop_size=20), suffix, 7)


CUTS = {
    "forwards": [(0.3, 0.8), (1.7, 1.0)],
    "backwards": [(2.0, 0.7), (0.5, 0.9)],
    "three": [(0.1, 0.4), (1.0, 0.2), (2.0, 0.6)],
    "at key frames": [(0.0, 0.8), (1.6, 0.8)],
}
KINDS = {
    "progressive": ((*TIMED, "avi"), partial(encode, options={"bf": "0"})),
    "reordered": (TIMED, partial(encode, options=B_FRAMES)),
    "open groups": (("mkv", "mp4", "ts"), partial(encode, options=OPEN)),
    "one key frame": (TIMED, partial(encode, options=B_FRAMES, gop_size=250)),
    "MPEG-4": (
        ("mp4", "mkv", "avi", "ts"),
        partial(encode, codec="mpeg4", options={"bf": "2"}),
    ),
    "MPEG-2": (
        ("ts", "mkv", "mpg"),
        partial(encode, codec="mpeg2video", options={"bf": "2"}),
    ),
    "VP9": (("webm",), partial(encode, codec="libvpx-vp9")),
    "interlaced": (("ts", "mkv"), interlaced),
    "fields": (TIMED, fields),
    "irregular": (
        TIMED,
        partial(encode, stamps=IRREGULAR, options=B_FRAMES),
    ),
    **{
        f"edits {name}": (MOVIES, partial(edited, edits=edits))
        for name, edits in CUTS.items()
    },
    **{
        f"fragments from {seconds:g} s": (MOVIES, partial(fragmented, seconds))
        for seconds in (0.5, 3600, 90_000, 1.7e9)
    },
    "no key frame first": (("ts", "flv", "mkv"), headless),
}
CASES = [(kind, suffix) for kind, (all_, _) in KINDS.items() for suffix in all_]


@cache
def content_of(kind: str, suffix: str) -> bytes:
    return KINDS[kind][1](suffix=suffix)


@cache
def decoded(kind: str, suffix: str) -> tuple[np.ndarray, list[np.ndarray], float]:
    """Times, images, and half a tick, from the beginning with nothing but PyAV."""
    with av.open(io.BytesIO(content_of(kind, suffix))) as media:
        stream = media.streams.video[0]
        # As far as H.264 may reorder: FFmpeg guesses otherwise.
        stream.codec_context.options = {"strict": "strict"}
        frames = list(media.decode(stream))
        tick = float(stream.time_base)
    stamps = np.array([frame.pts for frame in frames]) * tick
    if suffix == "avi":  # places in decoding order, no time stamps
        stamps = np.arange(len(frames)) / RATE
    order = np.argsort(stamps, kind="stable")
    images = [frames[place].to_ndarray(format="rgb24") for place in order]
    return stamps[order], images, min(tick / 2, 5e-4)


def expected(kind: str, suffix: str, times) -> list[np.ndarray]:
    stamps, images, slack = decoded(kind, suffix)
    places = np.searchsorted(stamps, np.asarray(times) + slack, "right") - 1
    return [images[place] for place in places.clip(0)]


def wrong(found: list[np.ndarray], right: list[np.ndarray]) -> list[int]:
    assert len(found) == len(right)
    return [
        number
        for number, (one, other) in enumerate(zip(found, right))
        if one.shape != other.shape or np.abs(one.astype(int) - other).max() > 3
    ]


CLIPS = st.tuples(
    st.floats(-0.1, 1.1),  # where in the video, as a share of it
    st.integers(1, 17),
    st.sampled_from([0.01, 1 / 25, 0.07, 0.3, 1.0]),
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    case=st.sampled_from(CASES),
    clips=st.lists(CLIPS, min_size=1, max_size=2),
    by=st.data(),
)
def test_clips_equal_a_full_decode(case, clips, by):
    stamps = decoded(*case)[0]
    with open_media(content_of(*case)) as media:
        for share, count, step in clips:
            start = stamps[0] + share * (stamps[-1] - stamps[0])
            times = start + np.arange(count) * step
            if by.draw(st.booleans(), label="in order"):
                found = list(media.frames_in_order(times))
            else:
                found = media.frames_at(times)
            assert wrong(found, expected(*case, times)) == []
        assert media.damage == ()


def test_every_kind():
    """Each frame on its own from a fresh opening; all; and when they begin and end."""
    faults = []
    for case in CASES:
        stamps = decoded(*case)[0]
        content = content_of(*case)
        for time in [stamps[0] - 1, *stamps[::7], stamps[-1], stamps[-1] + 1]:
            with open_media(content) as media:
                if wrong(media.frames_at([time]), expected(*case, [time])):
                    faults.append((case, float(time - stamps[0])))
        with open_media(content) as media:
            if wrong(media.frames_at(stamps), expected(*case, stamps)):
                faults.append((case, "all"))
            start, end = media.extent
            info = media.info
            if abs(start - stamps[0]) > 0.03 or (start, end) != (
                info.video_start,
                info.video_end,
            ):
                faults.append((case, "start", start - stamps[0]))
            if not 0 < end - stamps[-1] <= 0.1:
                faults.append((case, "end", end - stamps[-1]))
            if media.damage:
                faults.append((case, media.damage))
    assert faults == []


def test_joined_streams_have_one_clock():
    """The parts' frames follow one another, whatever their own clocks say."""
    parts = [
        encode("ts", count=count, first=first, options={"bf": "2"})
        for first, count in ((0, 30), (30, 45), (75, 20))
    ]
    frames = []
    for part in parts:
        with av.open(io.BytesIO(part)) as media:
            frames += [f.to_ndarray(format="rgb24") for f in media.decode(video=0)]
    for number in (0, 1, 15, 28, 29, 30, 31, 50, 73, 74, 75, 76, 94):
        with open_media(b"".join(parts)) as media:
            start, end = media.extent
            shown = media.frames_at([start + (number + 0.5) / RATE])
            assert wrong(shown, [frames[number]]) == [], number
            assert media.damage == ()
    assert end - start == pytest.approx(len(frames) / RATE, abs=0.001)
    with open_media(b"".join(parts)) as media:
        times = start + (np.arange(95) + 0.5) / RATE
        assert wrong(list(media.frames_in_order(times)), frames) == []


CODECS = {
    ".ts": (VideoCoding(gop_size=12), SoundCoding()),
    ".mpg": (VideoCoding(codec="mpeg2video", gop_size=12), SoundCoding(codec="mp2")),
}


@pytest.mark.parametrize("suffix", CODECS)
def test_sound_of_joined_streams_stays_with_the_picture(tmp_path, suffix):
    rate, content = 48000, b""
    video, coding = CODECS[suffix]
    frames = coded_frames(120)
    # One part's sound ends with its picture, the other's goes on for a second.
    for name, part, seconds in (("a", frames[:50], 2), ("b", frames[50:], 3.8)):
        sound = chirp_sound(seconds, 1.2, rate)
        path = tmp_path / f"{name}{suffix}"
        write_media(path, part, 25, sound, rate, video=video, sound=coding)
        content += path.read_bytes()
    content += (tmp_path / f"a{suffix}").read_bytes()
    with open_media(content) as media:
        start, end = media.extent
        shown = numbers(list(media.frames_in_order(np.arange(start, end, 0.02))))
        sound = media.waveform(start, end + 1, 16000)
        assert media.damage == ()
    sequence = [*range(120), *range(50)]
    changes = [b for a, b in zip([None, *shown], shown) if a != b]
    assert changes == sequence
    times = np.arange(0, 3, 1 / 16000)
    places = (0, shown.index(50) * 0.02, (len(shown) - shown[::-1].index(119)) * 0.02)
    for place in places:
        heard = sound[round(place * 16000) :][: len(times)]
        before = heard[: 2 * 16000]
        late = lag(before, chirp(times, 1.2)[: len(before)], 16000)
        assert abs(late) < 0.06, (place, late)


def test_pixels_are_square():
    """Of every container and codec that says how wide pixels are."""
    faults = []
    for aspect in (Fraction(16, 11), Fraction(8, 9), Fraction(1), Fraction(1, 10**6)):
        width = SIDE if aspect < 0.5 else round(SIDE * aspect)
        for suffix, codec in (
            *((suffix, "libx264") for suffix in (*TIMED, "avi")),
            *((suffix, "mpeg4") for suffix in ("mp4", "mkv", "avi")),
        ):
            content = encode(suffix, codec, count=3, aspect=aspect)
            with open_media(content) as media:
                sizes = {media.stored_size, (media.info.width, media.info.height)}
                sizes |= {frame.shape[1::-1] for frame in media.frames_at([0.0, 1.0])}
            with open_media(content, square_pixels=False) as media:
                plain = media.frames_at([0.0])[0]
            if sizes != {(width, SIDE)} or plain.shape[:2] != (SIDE, SIDE):
                faults.append((suffix, codec, aspect, sizes, plain.shape))
    assert faults == []


def test_sound_of_several_edits(tmp_path):
    """After a cut, sound stands where the edit list puts it, to the sample."""
    rate = 48000
    tone = (
        chirp_sound(4, 0.5, rate)
        + chirp_sound(4, 2.1, rate)
        + chirp_sound(4, 2.7, rate)
    )
    path = write_media(tmp_path / "a.m4a", waveform=tone, sample_rate=rate)
    content = with_edits(path.read_bytes(), [(0.31, 0.7), (2.05, 1.2)])
    truth = np.zeros(3 * rate)
    with av.open(io.BytesIO(content)) as media:
        for frame in media.decode(audio=0):
            begin = max(frame.pts, 0)
            samples = frame.to_ndarray().mean(0)[begin - frame.pts :]
            truth[begin : begin + len(samples)] = samples
    for start, stop in ((0.0, 1.9), (0.1, 0.6), (0.5, 0.9), (0.75, 1.8)):
        with open_media(content) as media:
            found = media.waveform(start, stop, rate)
        error = np.abs(found - truth[round(start * rate) : round(stop * rate)])
        assert error[: round(1.85 * rate)].max() < 1e-3, (start, stop)
