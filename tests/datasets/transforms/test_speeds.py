"""A file that plays faster or slower, frames and sound alike."""

from __future__ import annotations

import numpy as np
import pytest
from helpers_media import chirp, chirp_sound, lag, numbers, shown_at, write_coded
from mmaction.utils import register_all_modules

from mmstconv.datasets import (
    LoadClipAudioFeature,
    LoadFrames,
    LoadWaveform,
    OpenMedia,
    SampleClips,
)

register_all_modules(init_default_scope=True)


def load(path, *transforms):
    results = OpenMedia()({"filename": str(path)})
    for transform in transforms:
        results = transform(results)
    return results


def test_frames_and_sound_at_another_speed(tmp_path):
    """Twelve frames of one second in the clip, of 0.6 to 1.5 seconds of the file."""
    sound = chirp_sound(3.0, 1.3, 44100)
    path = write_coded(tmp_path / "a.mp4", 75, 25, waveform=sound, sample_rate=44100)
    np.random.seed(0)
    feature = np.tile(np.arange(300)[:, None], (1, 4))  # 100 rows a second
    np.save(tmp_path / "a.npy", feature)
    features = LoadClipAudioFeature(str(tmp_path / "{stem}.npy"), 100)
    heard, speeds = 0, []
    for _ in range(12):
        clips = SampleClips(12, 12, speeds=(0.6, 1.5))
        results = load(path, clips, LoadFrames(), LoadWaveform(16000, 0.5))
        speed, (start,) = results["speed"], results["clip_starts"]
        speeds.append(speed)
        assert results["clip_duration"] == pytest.approx(speed)
        times = start + np.arange(13) * speed / 12
        assert numbers(results["imgs"]) == shown_at(np.arange(75) / 25, times)
        (found,) = results["waveform"]
        assert found.shape == (24000,)
        truth = chirp(start + (np.arange(24000) / 16000 - 0.25) * speed, 1.3)
        if np.abs(truth).max() > 0.3:
            heard += 1
            assert abs(lag(found, truth, 16000)) < 1e-4
            assert np.corrcoef(found, truth)[0, 1] > 0.8
        (rows,) = features(results)["audio"]
        assert rows.shape == (4, 100)
        expected = 100 * (start + np.arange(100) * speed / 100)
        assert abs(rows[0] - expected.clip(0, 299)).max() <= 1.01
    assert heard > 3
    assert 0.6 <= min(speeds) < 0.75 and 1.2 < max(speeds) <= 1.5
    steady = SampleClips(12, 12, speeds=(0.6, 1.5), test_mode=True)
    assert load(path, steady)["speed"] == 1
