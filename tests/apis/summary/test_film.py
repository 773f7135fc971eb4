"""The summary's film: in step, without clicks, of every kind of file."""

from __future__ import annotations

import numpy as np
import pytest

from mmstconv.apis.summary.cuts import cuts_of, faded
from mmstconv.apis.summary.film import FADE, RATE, write_film
from mmstconv.disk import ForeignFile
from mmstconv.media import MediaError, VideoCoding, open_media, write_media
from mmstconv.media.pyav.pyav_reader import PyAVReader

FLASHES = (1.0, 3.2, 6.48, 9.0)  # seconds; at frames of 25 a second


def film(path, seconds=10.0, fps=25, rate=48000, times=None, **options):
    """Dark but for a frame at each flash; noise of a few ms at the same time."""
    if times is None:
        times = np.arange(round(seconds * fps)) / fps
    frames = np.full((len(times), 48, 64, 3), 16, np.uint8)
    sound = 0.1 * np.sin(2 * np.pi * 220 * np.arange(round(seconds * rate)) / rate)
    for flash in FLASHES:
        frames[np.argmin(np.abs(times - flash))] = 235
        first = round(flash * rate)
        click = np.random.default_rng(0).uniform(-0.9, 0.9, round(0.01 * rate))
        sound[first : first + len(click)] = click[: len(sound) - first]
    return write_media(
        path, frames, waveform=sound, sample_rate=rate, frame_times=times, **options
    )


def flashes_in(path):
    """Times of bright frames and of clicks, by decoding all of a file."""
    with PyAVReader(path) as reader:
        bright = [
            time
            for time, frame in reader.video.every_frame()
            if frame.to_ndarray(format="gray").mean() > 128
        ]
        end = reader.audio.extent[1]
        sound = reader.waveform(0, end, RATE)
        assert not reader.damage
    loud = np.flatnonzero(np.abs(sound) > 0.4)
    begins = loud[np.diff(loud, prepend=-RATE) > RATE // 10]
    return np.array(bright), begins / RATE


STRETCHES = [(0.52, 1.5), (3.0, 4.04), (6.0, 7.0), (7.0, 7.4), (8.777, 9.6)]


def test_flash_and_click_stay_together(tmp_path):
    source = film(tmp_path / "a.mp4")
    told = []
    damage = write_film(
        source, tmp_path / "s.mp4", STRETCHES, lambda *now: told.append(now)
    )
    assert damage == ()
    shown, expected = 0.0, []
    for start, end in STRETCHES:
        expected += [shown + flash - start for flash in FLASHES if start <= flash < end]
        shown += end - start
    bright, clicks = flashes_in(tmp_path / "s.mp4")
    assert len(bright) == len(clicks) == len(expected) == 4
    assert np.abs(bright - expected).max() <= 0.010
    assert np.abs(clicks - expected).max() <= 0.010
    assert np.abs(bright - clicks).max() <= 0.010
    with open_media(str(tmp_path / "s.mp4")) as media:
        assert media.extent == pytest.approx((0, shown), abs=0.010)
    assert told[-1] == pytest.approx((shown, shown))


def test_variable_frame_rate(tmp_path):
    rng = np.random.default_rng(1)
    times = np.unique(np.round([*np.cumsum(rng.uniform(0.02, 0.2, 90)), *FLASHES], 3))
    source = film(tmp_path / "a.mp4", times=times[times < 10])
    write_film(source, tmp_path / "s.mp4", STRETCHES)
    bright, clicks = flashes_in(tmp_path / "s.mp4")
    assert len(bright) == len(clicks) == 4
    assert np.abs(bright - clicks).max() <= 0.010


def test_no_clicks_at_cuts(tmp_path):
    """A tone that is cut anywhere: no jump beyond its own slope at an edge."""
    rate, seconds = 48000, 12
    tone = 0.5 * np.sin(2 * np.pi * 330 * np.arange(rate * seconds) / rate)
    frames = np.zeros((seconds * 10, 48, 64, 3), np.uint8)
    source = write_media(tmp_path / "a.mp4", frames, 10, tone, rate)
    rng = np.random.default_rng(2)
    edges = np.sort(rng.uniform(0, seconds, 16))
    stretches = list(zip(edges[::2], edges[1::2]))
    write_film(source, tmp_path / "s.mp4", stretches)
    with open_media(str(tmp_path / "s.mp4")) as media:
        total = sum(end - start for start, end in stretches)
        sound = media.waveform(0, total, rate)
    slope = 0.5 * 2 * np.pi * 330 / rate
    assert np.abs(np.diff(sound)).max() < 2.5 * slope  # without fades 0.5 and more
    for cut in cuts_of(stretches, RATE)[1:]:
        near = sound[round((cut.shown - 0.001) * rate) :][: round(0.002 * rate)]
        assert np.abs(near).max() < 0.12
    assert np.abs(sound).max() > 0.45


def test_cuts_and_fades():
    cuts = cuts_of([(0, 1), (1, 2), (3.00001, 4.2), (5, 5)], 8000)
    assert [(cut.start, cut.shown) for cut in cuts] == [(0, 0), (3.00001, 2)]
    for cut in cuts:
        samples = (cut.end - cut.start) * 8000, cut.shown * 8000
        assert samples == pytest.approx(np.round(samples), abs=1e-6)
    for length in (0, 1, 3, 1000):
        sound = faded(np.ones(length, np.float32), 8000, FADE)
        assert len(sound) == length
        if length > 200:
            assert sound[0] < 0.02 and sound[-1] < 0.02 and sound[length // 2] == 1
            assert np.diff(sound).max() < 0.02


@pytest.mark.slow
def test_long_cuts_have_no_seams(tmp_path):
    """Sound is read in pieces of 20 s: their seams are heard nowhere."""
    rate, seconds = 48000, 50
    tone = 0.5 * np.sin(2 * np.pi * 110 * np.arange(rate * seconds) / rate)
    source = write_media(tmp_path / "a.m4a", waveform=tone, sample_rate=rate)
    write_film(source, tmp_path / "s.m4a", [(0.5, 49.5)])
    with open_media(str(tmp_path / "s.m4a")) as media:
        sound = media.waveform(1, 48, rate)
    level = np.abs(sound[: 47 * rate].reshape(-1, rate // 20)).max(axis=1)
    assert level.min() > 0.45
    assert np.abs(np.diff(sound)).max() < 1.35 * 0.5 * 2 * np.pi * 110 / rate


def test_without_sound_or_picture(tmp_path):
    frames = np.zeros((50, 48, 64, 3), np.uint8)
    silent = write_media(tmp_path / "silent.mp4", frames, 25)
    write_film(silent, tmp_path / "s.mp4", [(0.2, 0.6), (1.0, 1.4)])
    with open_media(str(tmp_path / "s.mp4")) as media:
        assert media.has_video and not media.has_audio
        assert media.extent == pytest.approx((0, 0.8), abs=0.01)
    with pytest.raises(MediaError, match="has no sound"):
        write_film(silent, tmp_path / "s.m4a", [(0.2, 0.6)])
    tone = 0.1 * np.ones(96000, np.float32)
    dark = write_media(tmp_path / "dark.m4a", waveform=tone, sample_rate=48000)
    write_film(dark, tmp_path / "d.m4a", [(0.2, 0.6)])
    with open_media(str(tmp_path / "d.m4a")) as media:
        assert media.has_audio and not media.has_video


def test_turned_pictures_are_upright(tmp_path):
    frames = np.zeros((50, 48, 64, 3), np.uint8)
    frames[:, :24] = 255
    coding = VideoCoding(rotation=90)
    source = write_media(tmp_path / "a.mp4", frames, 25, video=coding)
    write_film(source, tmp_path / "s.mp4", [(0.5, 1.5)])
    with open_media(str(source)) as one, open_media(str(tmp_path / "s.mp4")) as other:
        assert other.info.rotation == 0
        before, after = one.frames_at([1.0])[0], other.frames_at([0.5])[0]
    assert before.shape == after.shape == (64, 48, 3)
    assert np.abs(before.astype(int) - after).mean() < 8


def test_broken_in_the_middle(tmp_path):
    source = film(tmp_path / "a.mp4")
    content = bytearray(source.read_bytes())
    rng = np.random.default_rng(3)
    middle = len(content) // 2
    content[middle : middle + 600] = rng.integers(0, 256, 600, dtype=np.uint8).tobytes()
    source.write_bytes(content)
    damage = write_film(source, tmp_path / "s.mp4", [(0.5, 1.5), (3, 7), (8.5, 9.6)])
    assert damage
    bright, clicks = flashes_in(tmp_path / "s.mp4")
    for one in (bright, clicks):  # the first lies before the damage
        assert np.abs(one - 0.5).min() <= 0.010


def test_nothing_is_overwritten(tmp_path):
    source = film(tmp_path / "a.mp4", seconds=2.0)
    (tmp_path / "s.mp4").write_text("thesis")
    with pytest.raises(ForeignFile):
        write_film(source, tmp_path / "s.mp4", [(0.5, 1.5)])
    assert (tmp_path / "s.mp4").read_text() == "thesis"
    with pytest.raises(ValueError, match="nothing to show"):
        write_film(source, tmp_path / "t.mp4", [(0.5, 0.5)])
    with pytest.raises(ValueError, match=r"\.mp4 or \.m4a"):
        write_film(source, tmp_path / "t.avi", [(0.5, 1.5)])
    assert sorted(p.name for p in tmp_path.glob("[st].*")) == ["s.mp4"]
