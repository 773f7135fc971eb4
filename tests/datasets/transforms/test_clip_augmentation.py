"""Frames of a clip changed alike, so that the flow between them stays theirs."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from helpers_culprits import for_each
from mmaction.registry import TRANSFORMS
from mmaction.utils import register_all_modules

from mmstconv.datasets import (
    ClipRandAugment,
    ClipRandomErasing,
    ComputeFlow,
    FlipViews,
    FormatClips,
    LoadFlowImages,
)
from mmstconv.datasets.transforms.clip_rand_augment import COLOURS, MOVES, warp

register_all_modules(init_default_scope=True)


def texture(height, width, channels=3):
    rng = np.random.default_rng(0)
    image = rng.uniform(-600, 850, (height, width, channels))
    image = cv2.GaussianBlur(image, (0, 0), 3).reshape(image.shape)
    return image.clip(0, 255).astype(np.uint8)


def sample(clips, steps, frames):
    return dict(imgs=list(frames), clip_len=steps, num_clips=clips, frame_times=0)


def moving(steps=4, height=96, width=64, clips=1, speed=2):
    """A texture that goes right by ``speed`` pixels a frame; portrait."""
    image = texture(height, width + speed * steps)
    frames = [
        image[:, speed * (steps - k) : speed * (steps - k) + width]
        for k in range(steps + 1)
    ]
    return sample(clips, steps, frames * clips)


@for_each("seed", range(12))
def test_flow_is_that_of_the_moved_frames(seed):
    """A clip moves by (2, 0) everywhere; its warped frames move by the map of that."""
    np.random.seed(seed)
    results = moving()
    matrix = np.eye(3)
    for name in np.random.choice(list(MOVES), 2):
        matrix = MOVES[name](np.random.uniform(-0.7, 0.7), 64, 96) @ matrix
    results["imgs"] = warp([f.copy() for f in results["imgs"]], matrix)
    results["frame_times"] = np.arange(5)[None] / 10
    flow = ComputeFlow(method="dis")(results)["flow"]  # (1, 2, 4, 96, 64)
    inside = flow[0, :, :, 32:64, 22:42]
    expected = matrix[:2, :2] @ [2, 0]
    assert np.allclose(np.median(inside, axis=(1, 2, 3)), expected, atol=0.3)


@for_each("seed", range(20))
def test_one_draw_for_all_frames_of_a_clip_and_another_for_the_next(seed):
    np.random.seed(seed)
    still = [texture(40, 24)] * 10
    before = still[0].copy()
    found = ClipRandAugment(3, 9)(sample(2, 4, still))
    assert found["warped"]
    first, second = found["imgs"][:5], found["imgs"][5:]
    for clip in (first, second):
        for frame in clip:
            assert frame.shape == (40, 24, 3) and frame.dtype == np.uint8
            assert np.array_equal(frame, clip[0])
    assert not np.array_equal(first[0], second[0])
    assert np.array_equal(still[0], before)


def test_every_operation_is_its_formula():
    image = texture(50, 60)
    x = image.astype(float)
    grey = (x @ [0.299, 0.587, 0.114]).round()[..., None]
    smooth = cv2.GaussianBlur(x, (5, 5), 0)
    others = dict(
        brightness=0 * x, contrast=x.mean() + 0 * x, saturation=grey, sharpness=smooth
    )
    assert set(others) == set(COLOURS)
    for name, other in others.items():
        for factor in (0.1, 0.6, 1.0, 1.7):
            expected = (factor * x + (1 - factor) * other).clip(0, 255)
            (found,) = COLOURS[name]([image], factor)
            assert abs(found - expected).max() <= 1.5, (name, factor)
    # a point to the right of the centre and one below it, after each move
    centre = np.array([29.5, 24.5])
    points = dict(
        rotate=((np.sqrt(3) / 2 * 10, 5), (-5, np.sqrt(3) / 2 * 10)),
        shear_x=((10, 0), (3, 10)),
        shear_y=((10, 3), (0, 10)),
        translate_x=((28, 0), (18, 10)),
        translate_y=((10, 15), (0, 25)),
        scale=((13, 0), (0, 13)),
    )
    assert set(points) == set(MOVES)
    for name, expected in points.items():
        for start, end in zip([(10, 0), (0, 10)], expected):
            dot = np.zeros((50, 60), np.float32)
            x, y = centre + start
            dot[int(y) : int(y) + 2, int(x) : int(x) + 2] = 1
            (found,) = warp([dot], MOVES[name](1.0, 60, 50))
            rows, columns = np.indices(dot.shape)
            place = np.array([(found * columns).sum(), (found * rows).sum()])
            if name == "translate_y":
                continue  # mirrored at the border
            assert np.allclose(place / found.sum() - centre, end, atol=0.5), name


@for_each("seed", range(10))
@for_each("shape", [(40, 24), (40, 24, 1)])
def test_grey_frames_and_views(shape, seed):
    np.random.seed(seed)
    frames = [texture(40, 24, 1).reshape(shape)[::-1, ::-1] for _ in range(3)]
    for transform in (ClipRandAugment(2, 10), ClipRandomErasing(1.0)):
        found = transform(sample(1, 2, frames))["imgs"]
        assert [frame.shape for frame in found] == [shape] * 3


@for_each("seed", range(30))
def test_the_box_stays_in_its_place(seed):
    np.random.seed(seed)
    frames = [np.full((60, 40, 3), value, np.uint8) for value in (0, 100, 200)]
    for frame in frames:
        frame[0, 0] += 50
    low, high = 0.1, 0.4
    before = [frame.copy() for frame in frames]
    found = ClipRandomErasing(1.0, (low, high))(sample(1, 2, frames))["imgs"]
    boxes = [(new != old).any(axis=2) for new, old in zip(found, before)]
    assert np.array_equal(boxes[0], boxes[2])
    assert low - 0.03 < boxes[0].mean() < high + 0.03
    rows, columns = boxes[0].any(axis=1), boxes[0].any(axis=0)
    assert boxes[0].sum() == rows.sum() * columns.sum()
    assert (found[0][boxes[0]] == 100).all() and (found[2][boxes[0]] == 100).all()
    assert all(map(np.array_equal, frames, before))


def test_how_often():
    np.random.seed(0)
    image = texture(8, 8)
    found = ClipRandomErasing(0.25)(sample(400, 1, [image] * 800))["imgs"]
    changed = sum(not np.array_equal(frame, image) for frame in found[::2])
    assert 70 < changed < 130


def test_flow_of_mirrored_views():
    """Three crops of two clips, and their mirror images: the flow's x turns round."""
    results = moving(steps=2, height=64, width=96, clips=2)
    results["frame_times"] = np.arange(6).reshape(2, 3) / 10
    results["audio"] = np.arange(2.0).reshape(2, 1, 1)
    results["img_shape"] = (64, 96)
    three = TRANSFORMS.build(dict(type="ThreeCrop", crop_size=64))
    for step in (three, FlipViews(), ComputeFlow(method="dis"), FormatClips()):
        results = step(results)
    rgb, flow, audio = (results[name] for name in ("rgb", "flow", "audio"))
    assert rgb.shape == (12, 3, 2, 64, 64) and flow.shape == (12, 2, 2, 64, 64)
    assert np.array_equal(rgb[6:], rgb[:6, ..., ::-1])
    assert audio.ravel().tolist() == [0, 1] * 6
    x, y = flow[:, :, :, 16:-16, 16:-16].mean(axis=(2, 3, 4)).T
    assert np.allclose(x, [2] * 6 + [-2] * 6, atol=0.2) and np.allclose(y, 0, atol=0.2)


@for_each("transform", [ClipRandAugment(), ClipRandomErasing(1.0), FlipViews()])
def test_extracted_flow_cannot_follow(transform):
    results = dict(moving(), flow_images=4)
    with pytest.raises(
        ValueError, match=r"\w+ changes frames, .*let ComputeFlow derive"
    ):
        transform(results)
    if not isinstance(transform, ClipRandomErasing):
        warped = dict(transform(moving()), media=None, frame_times=np.zeros((1, 5)))
        with pytest.raises(ValueError, match="leave out ClipRandAugment"):
            LoadFlowImages("{stem}")(warped)


@for_each(
    "build, message",
    [
        (lambda: ClipRandAugment(0), "num_ops must be a positive integer, got 0"),
        (lambda: ClipRandAugment(2, 11), "magnitude must not exceed 10, got 11"),
        (lambda: ClipRandomErasing(1.5), "must lie in 0..1, got 1.5"),
        (lambda: ClipRandomErasing(1, (0.5, 0.2)), r"got 1 and \(0.5, 0.2\)"),
    ],
)
def test_wrong_arguments(build, message):
    with pytest.raises(ValueError, match=message):
        build()
