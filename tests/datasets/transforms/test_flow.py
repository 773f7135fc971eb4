"""Flow: pixels, sign, order of axes, levels, and agreement with augmentations."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mmstconv.datasets import ComputeFlow
from mmstconv.datasets.transforms.flow import METHODS, quantize

BOUND = 20.0
STEP = 2 * BOUND / 255


def moving(dx, dy, count=3, size=96, seed=0):
    """A smooth texture that moves by (dx, dy) pixels a frame, right and down."""
    rng = np.random.default_rng(seed)
    texture = rng.uniform(0, 255, (size // 6 + 20, size // 6 + 20, 3)).astype(
        np.float32
    )
    texture = cv2.resize(texture, None, fx=6, fy=6, interpolation=cv2.INTER_CUBIC)
    frames = []
    for k in range(count):
        shift = np.float32([[1, 0, k * dx - 50], [0, 1, k * dy - 50]])
        frame = cv2.warpAffine(texture, shift, (size, size), flags=cv2.INTER_LINEAR)
        frames.append(np.clip(frame, 0, 255).astype(np.uint8))
    return frames


def flow_of(images, clip_len, method="dis", clips=1, times=None, bound=BOUND):
    times = np.tile(np.arange(clip_len + 1.0), (clips, 1)) if times is None else times
    results = dict(
        imgs=images,
        clip_len=clip_len,
        num_clips=clips,
        frame_times=times,
        presence={"flow": True},
    )
    return ComputeFlow(method, bound)(results)["flow"]


@pytest.mark.parametrize("method", list(METHODS))
def test_known_translation(method):
    for moved in ((3, 0), (0, 2), (-2.5, 1.5)):
        flow = flow_of(moving(*moved), 2, method)
        assert flow.shape == (1, 2, 2, 96, 96) and flow.dtype == np.float32
        inner = flow[0, :, :, 20:-20, 20:-20]
        error = np.abs(np.median(inner, axis=(1, 2, 3)) - moved)
        assert error.max() < 0.25, moved
        assert np.abs(inner - np.reshape(moved, (2, 1, 1, 1))).mean() < 0.4, moved


def test_each_step_has_its_own_flow():
    frames = moving(0, 0, 1) + moving(2, 0, 2)[1:] + moving(2, 0, 2)[1:]
    medians = np.median(flow_of(frames, 2)[0, 0, :, 20:-20, 20:-20], axis=(1, 2))
    assert medians == pytest.approx([2, 0], abs=0.3)


@pytest.mark.parametrize("method", ["dis", "farneback"])
def test_agrees_with_flipped_frames(method):
    frames = moving(3, 1)
    plain = flow_of(frames, 2, method)
    mirrored = flow_of([np.ascontiguousarray(f[:, ::-1]) for f in frames], 2, method)
    back = mirrored[..., ::-1] * np.reshape((-1, 1), (1, 2, 1, 1, 1))
    inner = np.s_[..., 20:-20, 20:-20]
    assert np.abs(back - plain)[inner].mean() < 0.2


def test_agrees_with_cropped_frames():
    frames = moving(3, 1)
    crop = flow_of([f[8:88, 16:96] for f in frames], 2)  # views, as CenterCrop makes
    whole = flow_of(frames, 2)[..., 8:88, 16:96]
    assert np.abs(crop - whole)[..., 16:-16, 16:-16].mean() < 0.2


def test_levels():
    flow = np.linspace(-30, 30, 9001, dtype=np.float32)
    levels = quantize(flow, BOUND) / STEP
    assert np.abs(levels - np.rint(levels)).max() < 1e-4
    assert set(np.rint(levels)) == set(range(-127, 128))
    assert quantize(np.zeros(3), BOUND).tolist() == [0, 0, 0]
    inside = np.abs(flow) < 127 * STEP
    assert np.abs(quantize(flow, BOUND) - flow)[inside].max() <= STEP / 2 + 1e-5
    assert np.abs(quantize(flow, BOUND)).max() <= BOUND
    # As bytes around 128, the way extracted flow is stored, nothing changes.
    stored = (np.rint(levels) + 128).astype(np.uint8)
    assert np.allclose((stored.astype(np.float32) - 128) * STEP, quantize(flow, BOUND))
    odd = quantize(np.array([np.nan, np.inf, -np.inf]), BOUND)
    assert odd == pytest.approx([0, 127 * STEP, -127 * STEP])


def test_large_motion_is_clipped():
    flow = flow_of(moving(6, 0), 2, bound=2.0)
    assert np.abs(flow).max() <= 2.0
    assert np.median(flow[0, 0]) == pytest.approx(2.0, abs=0.02)


def test_nothing_where_the_clip_starts_again():
    times = np.array([[0.0, 0.1, 0.0, 0.1]])
    frames = moving(3, 0, 2)
    flow = flow_of(frames + frames, 3, times=times)
    assert np.abs(flow[:, :, 1]).max() == 0
    assert flow[:, :, 0].any()
    assert flow[:, :, 2].any()
    still = flow_of([frames[0]] * 4, 3, times=np.zeros((1, 4)))
    assert not still.any()


def test_clips_and_crops():
    """Six groups of frames: two clips in three crops; only the second clip wraps."""
    times = np.array([[0.0, 0.1], [0.1, 0.0]])
    flow = flow_of(moving(3, 0, 2) * 6, 1, clips=2, times=times)
    assert flow.shape == (6, 2, 1, 96, 96)
    assert [bool(clip.any()) for clip in flow] == [True, False] * 3


def test_absent_video():
    frames = [np.zeros((32, 32, 3), np.uint8)] * 3
    results = dict(imgs=frames, clip_len=2, num_clips=1, presence={"flow": False})
    results["frame_times"] = np.arange(3.0)[None]
    flow = ComputeFlow()(results)["flow"]
    assert flow.shape == (1, 2, 2, 32, 32)
    assert not flow.any()


@pytest.mark.parametrize("size", [12, 16, 33])
def test_small_frames(size):
    assert flow_of(moving(1, 0, size=size), 2).shape == (1, 2, 2, size, size)


def test_threads_are_left_as_they_were():
    before = cv2.getNumThreads()
    flow_of(moving(1, 0), 2)
    assert cv2.getNumThreads() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            dict(method="raft"),
            r"method must be one of \['dis', 'dis_fast', 'farneback', 'tvl1'\]",
        ),
        (dict(bound=0), "bound must be a positive number, got 0"),
        (dict(bound=float("inf")), "bound"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        ComputeFlow(**arguments)
