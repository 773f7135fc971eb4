"""Memory is bounded by what is asked for, not by what is stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers_memory import measure

from mmstconv.media import VideoCoding, write_media

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="needs Linux' /proc"
)


def test_4k(tmp_path):
    """33 frames of 3840 x 2160, which held at once are 783 MiB."""
    noise = np.random.default_rng(0).integers(0, 256, (68, 120, 3), dtype=np.uint8)
    still = noise.repeat(32, 0).repeat(32, 1)[:2160]
    path = write_media(
        tmp_path / "a.mp4",
        (np.roll(still, 16 * k, 1) for k in range(34)),
        30,
        video=VideoCoding(options={"preset": "ultrafast", "crf": "30", "bf": "2"}),
    )
    found = measure(path, np.arange(33) / 30, short_side=128)
    assert found["shape"] == [128, 228, 3]
    assert found["grown"] < 200


@pytest.mark.parametrize(
    ("suffix", "gop_size"),
    [
        (".mp4", 20),
        (".mkv", 100_000),
        pytest.param(".mp4", 100_000, marks=pytest.mark.slow),
        pytest.param(".mkv", 20, marks=pytest.mark.slow),
        pytest.param(".ts", 20, marks=pytest.mark.slow),
        pytest.param(".ts", 100_000, marks=pytest.mark.slow),
    ],
)
def test_an_hour_takes_as_much_as_a_minute(tmp_path, suffix, gop_size):
    """Read near the end, with many key frames and with a single one at the start."""
    noise = np.random.default_rng(0).integers(0, 256, (16, 64, 96, 3), dtype=np.uint8)
    grown = []
    for seconds in (60, 3600):
        path = write_media(
            tmp_path / f"{seconds}{suffix}",
            (noise[k % 16] for k in range(seconds)),
            1,
            video=VideoCoding(
                gop_size=gop_size,
                options={"preset": "ultrafast", "x264-params": "scenecut=0"},
            ),
            waveform=np.zeros(seconds * 8000, np.float32),
            sample_rate=8000,
        )
        found = measure(path, np.linspace(seconds - 3, seconds, 8), sound=True)
        start, end = found["extent"]
        assert end - start == pytest.approx(seconds, abs=1.1)
        grown.append(found["grown"])
        assert path.stat().st_size > 4000 * seconds  # what must not be held
    # an MPEG stream below 64 MiB is looked through for joins, all of it at once
    assert grown[1] - grown[0] < (128 if suffix == ".ts" else 8)
