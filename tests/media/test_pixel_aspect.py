"""Pixels that are not square: turned files, both readers, and the training form."""

from __future__ import annotations

import copy
from fractions import Fraction

import av
import numpy as np

from mmstconv.media import open_media
from mmstconv.media.writing.preparing import TrainingForm, prepare_media

WIDTH, HEIGHT = 64, 48


def write(path, aspect, rotation):
    """Ten frames whose left half is bright."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[:, : WIDTH // 2] = 200
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", 25)
        stream.width, stream.height = WIDTH, HEIGHT
        stream.pix_fmt = "yuv420p"
        stream.codec_context.sample_aspect_ratio = aspect
        if rotation:
            stream.set_display_rotation(rotation)
        for number in range(10):
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.pts = number
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))


def test_shape_is_that_on_the_screen(tmp_path):
    for rotation in (0, 90):
        for aspect in (Fraction(16, 11), Fraction(1, 2)):
            name = f"{rotation}_{aspect.numerator}.mp4"
            write(tmp_path / name, aspect, rotation)
            shown = float(WIDTH * aspect / HEIGHT)
            shown = 1 / shown if rotation else shown  # width over height
            for reader in ("pyav", "decord"):
                with open_media(tmp_path / name, reader) as media:
                    info = media.info
                    images = [*media.frames_at([0.2]), *media.frames_at([0.2], 24)]
                for image in images:
                    height, width = image.shape[:2]
                    assert abs(width - shown * height) <= 1, (name, reader)
                    # the bright half is where it was, half of the way across
                    lines = image[..., 0].mean(axis=1 if rotation else 0) > 100
                    middle = len(lines) // 2
                    bright = lines[middle + 2 :] if rotation else lines[: middle - 2]
                    assert bright.all() and lines.mean() < 0.6, (name, reader)
                assert (info.width, info.height) == images[0].shape[1::-1], name
            prepared = tmp_path / f"prepared_{name}"
            prepare_media(tmp_path / name, prepared, TrainingForm(short_side=32))
            with open_media(prepared) as media:
                size = media.info.width, media.info.height
                assert media.frames_at([0.2])[0].shape[1::-1] == size
            assert abs(size[0] - shown * size[1]) <= 2, name  # sides are even


def test_pixels_as_they_are_stored(tmp_path):
    write(tmp_path / "a.mp4", Fraction(16, 11), 0)
    with open_media(tmp_path / "a.mp4", square_pixels=False) as media:
        assert media.frames_at([0.0])[0].shape == (HEIGHT, WIDTH, 3)
        with copy.deepcopy(media) as other:
            assert other.stored_size == (WIDTH, HEIGHT)
