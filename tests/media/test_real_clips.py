"""Opt-in: files nobody here made. Set MMSTCONV_REAL_CLIPS to their directory.

Frames and sound of random windows are compared with a plain decoding of the whole file
from its beginning.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from mmstconv.media import MediaError, open_media
from mmstconv.media.pyav.sound import downmix, to_float

FOLDER = os.environ.get("MMSTCONV_REAL_CLIPS")
SUFFIXES = {".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v"}
CLIPS = [p for p in sorted(Path(FOLDER or ".").iterdir()) if p.suffix in SUFFIXES]

pytestmark = pytest.mark.skipif(not FOLDER, reason="MMSTCONV_REAL_CLIPS is not set")


def whole_video(path, wanted):
    """Sizes and small grey pictures of the frames wanted, from the beginning."""
    import av

    with av.open(str(path), metadata_errors="ignore") as media:
        stream = media.streams.best("video")
        stream.codec_context.thread_count = 1
        frames = [
            (f.pts, f.to_ndarray(format="rgb24"), f.rotation)
            for f in media.decode(stream)
        ]
        tick = float(stream.time_base)
    stamps = np.array([stamp for stamp, _, _ in frames]) * tick
    if path.suffix == ".avi":  # has no time stamps; what FFmpeg guesses is not rising
        stamps = np.arange(len(frames)) * tick
    index = np.searchsorted(stamps, wanted + min(tick / 2, 5e-4), "right") - 1
    return [np.rot90(frames[i][1], frames[i][2] // 90) for i in index.clip(0, None)]


def whole_sound(path):
    import av

    with av.open(str(path), metadata_errors="ignore") as media:
        stream = media.streams.best("audio", related=media.streams.best("video"))
        frames = list(media.decode(stream))
    start = float(frames[0].pts * frames[0].time_base)
    names = [channel.name for channel in frames[0].layout.channels]
    samples = np.concatenate([downmix(to_float(f), names) for f in frames])
    return start, frames[0].sample_rate, samples


@pytest.mark.parametrize("reader", ["pyav", "decord"])
@pytest.mark.parametrize("path", CLIPS, ids=lambda path: path.name)
def test_frames(path, reader):
    with open_media(path, reader) as media:
        if not media.has_video:
            pytest.skip("no video")
        start, end = media.extent
        times = np.random.default_rng(0).uniform(start, end, 12)
        try:
            found = media.frames_at(times)
        except MediaError:
            assert "corrupted" in path.name
            return
    if "corrupted" in path.name:
        return
    for image, truth in zip(found, whole_video(path, times)):
        assert image.shape == truth.shape
        assert np.abs(image.astype(int) - truth).max() <= 2


@pytest.mark.parametrize("path", CLIPS, ids=lambda path: path.name)
def test_sound(path):
    soxr = pytest.importorskip("soxr")
    with open_media(path) as media:
        if not media.has_audio:
            pytest.skip("no audio")
        start, rate, samples = whole_sound(path)
        truth = soxr.resample(samples, rate, 16000)
        padded = np.pad(truth, 8)
        for at in (0.0, 0.37, 0.8):
            begin = start + round(at * len(truth)) / 16000
            found = media.waveform(begin, begin + 0.5, 16000)
            first = round((begin - start) * 16000)
            scale = max(np.abs(truth).max(), 1e-3)
            errors = [  # Matroska's time stamps are known to half a millisecond
                np.abs(found[:7900] - padded[first + late :][:7900]).max()
                for late in (range(17) if path.suffix == ".mkv" else [8])
            ]
            assert min(errors) < 1e-3 * scale


@pytest.mark.parametrize("path", CLIPS, ids=lambda path: path.name)
def test_whole_clips_are_not_called_damaged(path):
    rng = np.random.default_rng(0)
    with open_media(path) as media:
        start, end = media.extent
        for at in rng.uniform(start, end, 4):
            if media.has_video:
                media.frames_at(at + np.arange(16) / 15)
            media.waveform(at, at + 1, 16000)
        assert bool(media.damage) == ("corrupted" in path.name)
