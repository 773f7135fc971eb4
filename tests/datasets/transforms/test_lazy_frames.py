"""Crops chosen before decoding, beside the same crops of whole frames."""

from __future__ import annotations

import random

import cv2
import numpy as np
import pytest
from mmaction.registry import TRANSFORMS
from mmaction.utils import register_all_modules

from mmstconv.datasets import ComputeFlow, LoadFrames, OpenMedia, SampleClips
from mmstconv.media import SoundCoding, VideoCoding, write_media

register_all_modules(init_default_scope=True)
WIDTH, HEIGHT = 150, 96


def drifting(count=20, width=WIDTH, height=HEIGHT):
    """A smooth texture that moves to the right."""
    rng = np.random.default_rng(3)
    coarse = rng.uniform(30, 220, (height // 12 + 2, width // 12 + 8, 3))
    size = (width + 60, height)
    texture = cv2.resize(coarse.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    texture = np.clip(texture, 0, 255).astype(np.uint8)
    return [texture[:, 40 - 2 * k : 40 - 2 * k + width] for k in range(count)]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    options = {"preset": "veryfast", "crf": "8"}
    target = tmp_path_factory.mktemp("lazy") / "a.mp4"
    return write_media(target, drifting(), 20, video=VideoCoding(options=options))


def augmentations(lazy, crop="RandomResizedCrop", flip=1.0):
    kwargs = dict(crop_size=80) if crop == "CenterCrop" else {}
    return [
        TRANSFORMS.build(dict(type=crop, lazy=lazy, **kwargs)),
        TRANSFORMS.build(
            dict(type="Resize", scale=(56, 56), keep_ratio=False, lazy=lazy)
        ),
        TRANSFORMS.build(dict(type="Flip", flip_ratio=flip, lazy=lazy)),
    ]


def run(path, seed, *steps):
    random.seed(seed)
    np.random.seed(seed)
    results = dict(filename=str(path), modality="RGB")
    for step in (OpenMedia(), SampleClips(4, 20, test_mode=True), *steps):
        results = step(results)
    results["media"].close()
    return results


@pytest.mark.parametrize("crop", ["RandomResizedCrop", "CenterCrop"])
@pytest.mark.parametrize("flip", [0.0, 1.0])
def test_the_same_pictures(path, crop, flip):
    for seed in range(4):
        lazy = run(path, seed, *augmentations(True, crop, flip), LoadFrames())
        plain = run(path, seed, LoadFrames(), *augmentations(False, crop, flip))
        assert lazy["img_shape"] == (56, 56) and "lazy" not in lazy
        assert len(lazy["imgs"]) == len(plain["imgs"]) == 5
        for a, b in zip(lazy["imgs"], plain["imgs"]):
            assert a.shape == b.shape and a.flags.writeable
            # FFmpeg rounds down (a level) and repeats the chroma that we scale; an odd
            # box has half a pixel of chroma more.
            grey, other = (
                cv2.cvtColor(x, cv2.COLOR_RGB2GRAY).astype(int) for x in (a, b)
            )
            assert np.abs(grey - other).mean() < 1.6
            assert np.abs(a.astype(int) - b).mean() < 6
            assert np.abs(grey[:, ::-1] - other).mean() > 10


def test_flow_follows_the_crop_and_the_flip(path):
    """2 pixels to the right, by the scale of the crop, mirrored."""
    for flip, sign in ((0.0, 1), (1.0, -1)):
        steps = augmentations(True, "CenterCrop", flip)
        flow = run(path, 0, *steps, LoadFrames(), ComputeFlow("dis_fast"))["flow"]
        across = np.median(flow[0, 0, :, 10:-10, 10:-10])
        assert across == pytest.approx(sign * 2 * 56 / 80, abs=0.3)


def test_without_video_black_of_the_size_asked_for(tmp_path):
    path = write_media(tmp_path / "a.wav", None, None, np.zeros(20000), 16000,
                       sound=SoundCoding(codec="pcm_s16le"))  # fmt: skip
    results = run(path, 0, *augmentations(True), LoadFrames())
    assert {image.shape for image in results["imgs"]} == {(56, 56, 3)}
    assert not np.any(results["imgs"]) and results["presence"]["rgb"] is False


def test_what_does_not_go_together(path):
    with pytest.raises(ValueError, match="leave out short_side=64"):
        run(path, 0, *augmentations(True), LoadFrames(short_side=64))
    resize = dict(type="Resize", scale=(56, 56), keep_ratio=False, lazy=True)
    nearest = TRANSFORMS.build(dict(resize, interpolation="nearest"))
    with pytest.raises(ValueError, match=r"bilinearly.*'nearest'"):
        run(path, 0, nearest, LoadFrames())


@pytest.mark.parametrize("shrink", [2, 3])
def test_shrunk_flow_is_the_mean(path, shrink):
    frames = run(path, 0, LoadFrames())
    full = ComputeFlow("dis_fast", bound=20)(dict(frames))["flow"]
    small = ComputeFlow("dis_fast", bound=20, shrink=shrink)(dict(frames))["flow"]
    height, width = HEIGHT // shrink, WIDTH // shrink
    assert small.shape == (1, 2, 4, height, width)
    cut = full[..., : height * shrink, : width * shrink]
    cells = cut.reshape(1, 2, 4, height, shrink, width, shrink)
    mean = cells.mean(axis=(4, 6)) / shrink
    assert np.abs(small - mean).max() <= 40 / 255  # both are rounded
