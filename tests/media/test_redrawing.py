"""A redrawn copy: frames at their times, and the very packets of the sound."""

from __future__ import annotations

import av
import numpy as np
import pytest
from helpers_media import chirp_sound

from mmstconv.disk import ForeignFile
from mmstconv.media import MediaError, SoundCoding, write_media
from mmstconv.media.writing.redrawing import redraw_media

RATE = 16000
TIMES = [0.5, 0.6, 0.9, 1.0, 1.4]  # a variable rate that starts late


def packets(path):
    """Bytes and seconds of the sound's packets."""
    with av.open(str(path)) as file:
        found = [p for p in file.demux(audio=0) if p.size]
        return [bytes(p) for p in found], [float(p.pts * p.time_base) for p in found]


def frames(path):
    with av.open(str(path)) as file:
        return [(f.time, f.to_ndarray(format="rgb24")) for f in file.decode(video=0)]


def mark(image, time):
    """A frame whose brightness is its time."""
    return np.full((32, 48, 3), round(100 * time), np.uint8)


@pytest.mark.parametrize(
    "codec, suffix, kept",
    [("aac", ".mp4", ".mp4"), ("mp3", ".mkv", ".mp4"), ("pcm_s16le", ".mkv", ".mkv")],
)
def test_frames_keep_their_times_and_sound_its_packets(tmp_path, codec, suffix, kept):
    source = tmp_path / f"source{suffix}"
    images = [np.zeros((24, 24, 3), np.uint8)] * len(TIMES)
    sound = chirp_sound(2, 2.0, RATE * 3)
    write_media(
        source, images, None, sound, RATE * 3, frame_times=TIMES, audio_offset=0.25,
        sound=SoundCoding(codec),
    )  # fmt: skip
    path = redraw_media(source, tmp_path / "a.b", mark)
    assert path == tmp_path / f"a.b{kept}"
    shown = frames(path)
    given, before = packets(source)
    copied, after = packets(path)
    assert copied == given and len(given) > 5
    moved = after[0] - before[0]  # Matroska has no negative times
    np.testing.assert_allclose(np.subtract(after, before), moved, atol=2e-3)
    np.testing.assert_allclose([t - moved for t, _ in shown], TIMES, atol=2e-3)
    for time, (_, image) in zip(TIMES, shown):
        assert image.shape == (32, 48, 3)
        assert abs(int(image.mean()) - 100 * time) < 3


def test_sound_without_pictures_is_shown_on_black(tmp_path):
    source = tmp_path / "sound.wav"
    write_media(source, waveform=chirp_sound(1, 1.0, RATE), sample_rate=RATE,
                sound=SoundCoding("pcm_s16le"))  # fmt: skip
    seen = []

    def draw(image, time):
        seen.append((image.max(), round(time, 3)))
        return image

    path = redraw_media(source, tmp_path / "out", draw)
    assert path.suffix == ".mkv" and packets(path)[0] == packets(source)[0]
    assert seen == [(0, k / 10) for k in range(10)]


def test_what_is_refused(tmp_path):
    (tmp_path / "text.mp4").write_text("no film")
    with pytest.raises(MediaError, match=r"text\.mp4"):
        redraw_media(tmp_path / "text.mp4", tmp_path / "out", mark)
    assert not (tmp_path / "out.mp4").exists()
    source = tmp_path / "source.mp4"
    write_media(source, [np.zeros((24, 24, 3), np.uint8)] * 2, 10)
    with pytest.raises(ForeignFile, match=r"mine\.mp4"):
        (tmp_path / "mine.mp4").write_text("mine")
        redraw_media(source, tmp_path / "mine", mark)
    assert (tmp_path / "mine.mp4").read_text() == "mine"
