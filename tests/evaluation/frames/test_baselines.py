"""Forecasts without a model, on motions that are known."""

from __future__ import annotations

import numpy as np
import pytest

from mmstconv.evaluation.frames import (
    BASELINES,
    extrapolate_flow,
    mean_squared_error,
    repeat_last_frame,
)


def moving_disc(times: int, step: float, channels: int = 1, side: int = 64):
    """A soft disc with a texture that moves to the right by ``step`` a frame."""
    y, x = np.mgrid[:side, :side].astype(np.float64)
    frames = []
    for t in range(times):
        u, v = x - 20 - step * t, y - side / 2
        shape = 1 / (1 + np.exp(np.hypot(u, v) - 9))
        frames.append(shape * (0.7 + 0.3 * np.sin(0.9 * u + 0.4 * v)))
    colours = np.array([1.0, 0.6, 0.3])[:channels]
    video = np.stack(frames)[None] * colours[:, None, None, None]
    return np.rint(255 * video).astype(np.uint8)


def test_the_last_frame_again_and_again():
    seen = moving_disc(3, 2.0, channels=3)
    forecast = repeat_last_frame(seen, 4)
    assert forecast.shape == (3, 4, 64, 64) and forecast.dtype == np.float32
    for k in range(4):
        assert np.array_equal(np.rint(forecast[:, k] * 255), seen[:, -1])


def test_constant_motion_goes_on():
    """Where it is constant, the error is a small part of the last frame's, far ahead
    too, and nothing stays behind where the disc was."""
    for channels in (1, 3):
        for step in (1.0, 1.5, -1.0):
            video = moving_disc(12, step, channels)
            seen, true = video[:, :4], video[:, 4:]
            still = mean_squared_error(repeat_last_frame(seen, 8), true)
            moved = mean_squared_error(extrapolate_flow(seen, 8), true)
            assert (moved < 0.15 * still).all(), (channels, step, moved / still)


def test_nothing_moves():
    seen = np.repeat(moving_disc(1, 0.0, 3), 4, axis=1)
    forecast = extrapolate_flow(seen, 3)
    assert np.abs(forecast - repeat_last_frame(seen, 3)).max() < 1e-3


def test_all_moves_as_of_a_camera():
    """Edges that nothing arrives at are filled from what is beside them."""
    x = np.arange(96)
    rows = np.rint(127 + 100 * np.sin(x / 5) * np.cos(x / 11)).astype(np.uint8)
    wide = np.broadcast_to(rows, (64, 96)) // 2 + np.arange(64, dtype=np.uint8)[:, None]
    video = np.stack([wide[:, 2 * t : 2 * t + 64] for t in range(8)])[None]
    seen, true = video[:, :4], video[:, 4:]
    moved = mean_squared_error(extrapolate_flow(seen, 4), true)
    assert (moved < 0.2 * mean_squared_error(repeat_last_frame(seen, 4), true)).all()


def test_small_and_wrong_frames():
    tiny = np.zeros((1, 2, 9, 5), np.uint8)
    for name, forecast in BASELINES.items():
        assert forecast(tiny, 2).shape == (1, 2, 9, 5), name
        with pytest.raises(ValueError, match=r"must be \(C, T, H, W\)"):
            forecast(tiny[0], 2)
    with pytest.raises(ValueError, match="needs 2 frames of 1 or 3 channels"):
        extrapolate_flow(tiny[:, :1], 2)
