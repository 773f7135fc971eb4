"""Reading a file from one end to the other: the same as at each place, but once."""

from __future__ import annotations

import numpy as np
import pytest
from helpers_media import chirp_sound, frame_number, write_coded

from mmstconv.media import NoStreamError, View, open_media
from mmstconv.media.pyav.frame_decoder import FrameDecoder
from mmstconv.media.reading.pushed import PushedMedia
from mmstconv.media.reading.sequential import SequentialMedia


@pytest.fixture(scope="module", params=["a.mp4", "a.mkv", "a.avi"])
def film(request, tmp_path_factory):
    """10 s with one key frame and sound at another rate than is asked for."""
    sound = chirp_sound(10, 4.1, 44100)
    path = tmp_path_factory.mktemp("film") / request.param
    avi = dict(video_codec="mpeg4", audio_codec="libmp3lame")
    return write_coded(
        path,
        250,
        gop_size=250,
        waveform=sound,
        sample_rate=44100,
        **(avi if path.suffix == ".avi" else {}),
    )


TIMES = 0.01 + np.arange(110) / 11


@pytest.mark.parametrize("options", [{}, dict(short_side=48), dict(view=View(32, 24))])
def test_frames_equal_those_at_their_times(film, options):
    with open_media(film) as media:
        expected = media.frames_at(TIMES, **options)
        found = list(media.frames_in_order(TIMES, **options))
    assert all(np.array_equal(a, b) for a, b in zip(found, expected))
    assert len(found) == len(TIMES)


def test_frames_of_every_reader(film):
    with open_media(film) as one, open_media(film, "decord") as other:
        for a, b in zip(one.frames_in_order(TIMES), other.frames_in_order(TIMES)):
            assert frame_number(a) == frame_number(b)


def test_a_frame_shown_twice_is_two_images(film):
    with open_media(film) as media:
        first, second = media.frames_in_order([1.0, 1.001])
    assert np.array_equal(first, second)
    assert not np.shares_memory(first, second)


def test_nothing_is_decoded_twice(film, monkeypatch):
    decoded = []
    decode = FrameDecoder.decode
    monkeypatch.setattr(
        FrameDecoder,
        "decode",
        lambda track, packet: decoded.append(packet) or decode(track, packet),
    )
    with SequentialMedia(lambda: open_media(film), TIMES) as media:
        for start in range(0, 100, 10):
            media.frames_at(TIMES[start : start + 11])
    assert 200 < len(decoded) <= 251


def test_pieces_share_a_frame(film):
    with open_media(film) as media:
        expected = media.frames_at(TIMES)
    with SequentialMedia(lambda: open_media(film), TIMES) as media:
        first = media.frames_at(TIMES[:5])
        first[-1][:] = 0  # an augmentation writes into it
        second = media.frames_at(TIMES[4:9])
        third = media.frames_at(TIMES[9:12])
        assert media.damage == ()
    found = [*first[:4], *second, *third]
    assert all(np.array_equal(a, b) for a, b in zip(found, expected))


def test_frames_out_of_order(film):
    with SequentialMedia(lambda: open_media(film), TIMES) as media:
        media.frames_at(TIMES[:5])
        with pytest.raises(ValueError, match="must be read in order"):
            media.frames_at(TIMES[2:6])


@pytest.mark.parametrize("rate", [44100, 16000])
def test_sound_equals_that_of_each_window(film, rate):
    """Also across the blocks that it is decoded in, and beyond the end."""
    with (
        SequentialMedia(lambda: open_media(film), TIMES) as media,
        open_media(film) as whole,
    ):
        for start in (-0.3, 0.0, 0.7, 3.9, 4.4, 8.8, 9.7):
            found = media.waveform(start, start + 1.3, rate)
            expected = whole.waveform(start, start + 1.3, rate)
            assert len(found) == round(1.3 * rate)
            np.testing.assert_allclose(found, expected, atol=1e-4)
    assert np.abs(expected).max() < 0.1


def test_sound_in_small_blocks(film, monkeypatch):
    monkeypatch.setattr("mmstconv.media.reading.sequential.SOUND_BLOCK", 0.7)
    with (
        SequentialMedia(lambda: open_media(film), TIMES) as media,
        open_media(film) as whole,
    ):
        for start in np.arange(3.5, 5, 0.25):
            found = media.waveform(start, start + 1, 16000)
            expected = whole.waveform(start, start + 1, 16000)
            np.testing.assert_allclose(found, expected, atol=1e-4)
        if whole.places_samples:
            with pytest.raises(ValueError, match="sound must be read in order"):
                media.waveform(1.0, 2.0, 16000)
        assert whole.places_samples == (film.suffix == ".mp4")


def test_what_was_pushed():
    media = PushedMedia(fps=10, frames=2, sample_rate=1000, seconds=0.5)
    assert not media.has_audio and media.stored_size is None
    with pytest.raises(NoStreamError, match="no frames yet"):
        media.frames_at([0.0])
    frames = [np.full((6, 8, 3), k, np.uint8) for k in range(5)]
    sound = np.arange(1700, dtype=np.float32)
    for k, frame in enumerate(frames):
        media.push_frame(frame)
        media.push_sound(sound[340 * k : 340 * (k + 1)])
    assert media.extent == (0, 0.5) and media.stored_size == (8, 6)
    a, b = media.frames_at([0.3, 0.4])
    assert a[0, 0, 0] == 3 and b[0, 0, 0] == 4
    assert not np.shares_memory(b, frames[4])
    assert media.frames_at([0.4], short_side=3)[0].shape == (3, 4, 3)
    np.testing.assert_array_equal(media.waveform(1.3, 1.6, 1000), sound[1300:1600])
    later = media.waveform(1.6, 1.8, 1000)  # what has not come is silence
    np.testing.assert_array_equal(later, [*sound[1600:], *[0] * 100])
    with pytest.raises(ValueError, match="pushed at 1000 Hz"):
        media.waveform(1.0, 1.1, 16000)


def test_pushed_in_one_long_piece():
    media = PushedMedia(fps=10, frames=2, sample_rate=1000, seconds=0.5)
    sound = np.arange(5000, dtype=np.float32)
    for piece in np.split(sound, [10, 700, 750, 4100]):
        media.push_sound(piece)
    np.testing.assert_array_equal(media.waveform(4.5, 5, 1000), sound[4500:])


def test_sound_that_is_pushed_far_ahead_of_its_frames():
    """Nothing of it is lost, and memory grows with what it is ahead only."""
    media = PushedMedia(fps=10, frames=2, sample_rate=1000, seconds=0.5)
    sound, pushed = np.arange(60000, dtype=np.float32), 0
    for number in range(600):
        if number % 50 == 0:
            media.push_sound(sound[pushed : pushed + 5000])
            pushed += 5000
        media.push_frame(np.zeros((6, 8, 3), np.uint8))
        now = media.extent[1]
        heard = media.waveform(max(now - 0.5, 0), now, 1000)
        first, end = round(1000 * max(now - 0.5, 0)), round(1000 * now)
        np.testing.assert_array_equal(heard, sound[first:end])
    assert len(media.sound) < 15000


def test_what_cannot_be_pushed():
    media = PushedMedia(fps=10, frames=2, sample_rate=1000, seconds=0.5)
    for samples in (np.zeros(5, np.int16), np.zeros((5, 2), np.float32)):
        with pytest.raises(ValueError, match=r"expected samples of mono sound.*got"):
            media.push_sound(samples)
    for frame in (np.zeros((6, 8), np.uint8), np.zeros((6, 8, 3), np.float32)):
        with pytest.raises(ValueError, match=r"expected an RGB frame.*got"):
            media.push_frame(frame)
    assert not media.has_audio and media.count == 0
