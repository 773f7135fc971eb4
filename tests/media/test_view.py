"""A part of a frame, scaled, against whole frames and naive formulas."""

from __future__ import annotations

import av
import numpy as np
import pytest
from helpers_media import coded_frames

from mmstconv.media import VideoCoding, View, open_media, write_media
from mmstconv.media.reading.view import rgb_matrix, scale, see_frame

SIZE = (160, 120)


def smooth_frames(count: int = 12, width: int = SIZE[0], height: int = SIZE[1]):
    """Colours that change slowly over the frame, and with time."""
    y, x = np.mgrid[:height, :width] / (height, width)[0]
    for k in range(count):
        yield np.stack(
            [
                60 + 120 * x / x.max(),
                80 + 100 * np.sin(3 * y + k / 5) ** 2,
                200 - 90 * x * y / (x * y).max(),
            ],
            axis=-1,
        ).astype(np.uint8)


def bilinear(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """In float64, by the formula; pixel centres at halves, edges repeated."""
    image = image.astype(np.float64)

    def along(axis: int, target: int) -> None:
        nonlocal image
        length = image.shape[axis]
        at = np.clip((np.arange(target) + 0.5) * length / target - 0.5, 0, length - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, length - 1)
        weight = (at - low).reshape([-1 if k == axis else 1 for k in range(image.ndim)])
        image = image.take(low, axis) * (1 - weight) + image.take(high, axis) * weight

    along(0, height)
    along(1, width)
    return image


@pytest.mark.parametrize("width,height", [(40, 30), (112, 84), (20, 60), (300, 260)])
def test_scale_by_the_formula(width, height):
    image = next(smooth_frames())[..., 0]
    small = image.astype(np.float64)
    while small.shape[1] >= 2 * width or small.shape[0] >= 2 * height:
        if small.shape[1] >= 2 * width:
            small = (small[:, ::2] + small[:, 1::2]) / 2
        if small.shape[0] >= 2 * height:
            small = (small[::2] + small[1::2]) / 2
    expected = bilinear(small, width, height)
    assert np.abs(scale(image, width, height) - expected).max() <= 1.5


@pytest.mark.parametrize("reader", ["pyav", "decord"])
@pytest.mark.parametrize("colorspace", [None, "bt709"])
@pytest.mark.parametrize("full_range", [False, True])
def test_a_part_is_the_part_of_the_whole(tmp_path, reader, colorspace, full_range):
    path = write_media(
        tmp_path / "a.mp4",
        smooth_frames(),
        10,
        video=VideoCoding(colorspace=colorspace, full_range=full_range),
    )
    view = View(56, 48, (0.25, 0.2, 0.75, 0.8))
    with open_media(path, reader) as media:
        times = [0.3, 0.5]
        whole, parts = media.frames_at(times), media.frames_at(times, view=view)
        assert media.stored_size == SIZE
    for image, part in zip(whole, parts):
        assert part.shape == (48, 56, 3) and part.flags.c_contiguous
        expected = bilinear(image[24:96, 40:120], 56, 48)
        # FFmpeg repeats chroma and rounds down, which shows as a level or two
        assert np.abs(part - expected).mean() < 2
        assert np.abs(part - expected).max() < 8


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le"])
def test_planes_of_every_kind(tmp_path, pix_fmt):
    path = write_media(
        tmp_path / "a.mkv", smooth_frames(), 10, video=VideoCoding(pix_fmt=pix_fmt)
    )
    with open_media(path) as media:
        (whole,) = media.frames_at([0.2])
        (part,) = media.frames_at([0.2], view=View(80, 60))
    expected = scale(whole, 80, 60).astype(int)
    assert np.abs(part - expected).mean() < 2


@pytest.mark.parametrize("width,height", [(161, 121), (427, 241)])
def test_odd_sizes(tmp_path, width, height):
    frames = smooth_frames(3, width, height)
    path = write_media(
        tmp_path / "a.mp4", frames, 10, video=VideoCoding(pix_fmt="yuv444p")
    )
    with open_media(path) as media:
        (whole,) = media.frames_at([0.0])
        (part,) = media.frames_at([0.0], view=View(64, 48, (0, 0, 1, 0.5)))
    assert part.shape == (48, 64, 3)
    assert np.abs(part.mean((0, 1)) - whole[: height // 2].mean((0, 1))).max() < 3


@pytest.mark.parametrize("reader", ["pyav", "decord"])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_what_is_stored_is_turned_after_the_crop(tmp_path, reader, rotation):
    """Box of the stored frame, size of the upright one."""
    frame = np.zeros((120, 160, 3), np.uint8)
    frame[:60, :80] = (250, 0, 0)  # the quarter at the upper left, as stored
    frame[60:, 80:] = (0, 0, 250)
    path = write_media(
        tmp_path / "a.mp4", [frame] * 5, 10, video=VideoCoding(rotation=rotation)
    )
    with open_media(path, reader) as media:
        (corner,) = media.frames_at([0.1], view=View(20, 30, (0, 0, 0.5, 0.5)))
        (all_of_it,) = media.frames_at([0.1], view=View(60, 60))
        (whole,) = media.frames_at([0.1])
    assert corner.shape == (30, 20, 3)
    assert np.abs(corner[4:-4, 4:-4] - [250, 0, 0]).mean() < 12
    assert np.abs(all_of_it - scale(whole, 60, 60).astype(int)).mean() < 12


def test_matrix_by_the_standard():
    """White, black and the primaries of BT.601 and BT.709 by their definitions."""
    for number, red, blue in ((5, 0.299, 0.114), (1, 0.2126, 0.0722)):
        for full in (False, True):
            matrix = rgb_matrix(number, full).astype(np.float64)
            for rgb in np.array(
                [[1, 1, 1], [0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
            ):
                luma = red * rgb[0] + (1 - red - blue) * rgb[1] + blue * rgb[2]
                cb = (rgb[2] - luma) / (2 * (1 - blue))
                cr = (rgb[0] - luma) / (2 * (1 - red))
                spans = (255, 255, 255, 0) if full else (219, 224, 224, 16)
                coded = [
                    spans[3] + spans[0] * luma,
                    128 + spans[1] * cb,
                    128 + spans[2] * cr,
                ]
                assert np.allclose(matrix @ [*coded, 1], 255 * rgb, atol=0.01)


def test_frames_that_are_no_planes_say_so():
    frame = av.VideoFrame.from_ndarray(next(smooth_frames()), "rgb24")
    assert see_frame(frame, View(8, 8)) is None


@pytest.mark.parametrize(
    "arguments,message",
    [
        (dict(width=0, height=5), "size"),
        (dict(width=5, height=5, box=(0.5, 0, 0.5, 1)), "box"),
        (dict(width=5, height=5, box=(0, 0, 1.5, 1)), "box"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        View(**arguments)


def test_a_box_moves_by_less_than_a_pixel_of_the_result():
    rng = np.random.default_rng(0)
    for _ in range(300):
        width = int(rng.integers(64, 2000))
        left, right = np.sort(rng.random(2))
        if (right - left) * width < 16:
            continue
        target = int(rng.integers(8, 240))
        _, columns = View(target, 5, (left, 0, right, 1)).pixels(width, 100)
        pixel = max((right - left) * width / target, 1)
        assert 0 <= columns.start < columns.stop <= width
        assert abs(columns.start - left * width) <= pixel
        assert abs(columns.stop - right * width) <= pixel


def without_reordering_told(extradata: bytes) -> bytes:
    """An MP4's description of H.264 whose sequence set has no usability information."""
    size = int.from_bytes(extradata[6:8], "big")
    sps = extradata[8 : 8 + size].replace(b"\0\0\3", b"\0\0")
    bits = "".join(f"{byte:08b}" for byte in sps)
    place = 32  # type, profile, constraints, level

    def number() -> int:
        nonlocal place
        zeros = bits.index("1", place) - place
        value = int(bits[place + zeros : place + 2 * zeros + 1], 2) - 1
        place += 2 * zeros + 1
        return value

    number()
    if sps[1] >= 100:
        number(), number(), number()
        place += 2  # lossless, no scaling matrix
    number()
    if number() == 0:
        number()
    number()
    place += 1
    number(), number()
    place += 2 if bits[place] == "1" else 3
    if bits[place] == "1":
        place += 1
        number(), number(), number(), number()
    else:
        place += 1
    assert bits[place] == "1"
    short = bits[:place] + "01"
    short += "0" * (-len(short) % 8)
    data = int(short, 2).to_bytes(len(short) // 8, "big")
    return extradata[:6] + len(data).to_bytes(2, "big") + data + extradata[8 + size :]


def test_reordered_frames_of_a_file_that_does_not_say_so(tmp_path):
    """Opening decodes nothing that would tell; frames come in order all the same."""
    options = {"preset": "medium", "crf": "10", "bf": "3"}
    path = write_media(
        tmp_path / "a.mp4", coded_frames(40), 20, video=VideoCoding(options=options)
    )
    with av.open(str(path)) as container:
        told = container.streams.video[0].codec_context.extradata
    silent = without_reordering_told(told)
    content = path.read_bytes()
    assert content.count(told) == 1 and len(silent) < len(told)
    # the boxes around keep their sizes: the rest is left over at the end of avcC
    changed = content.replace(told, silent + bytes(len(told) - len(silent)))
    other = tmp_path / "b.mp4"
    other.write_bytes(changed)
    times = np.arange(40) / 20
    for wanted in (times, times[7:9], times[30:]):
        with open_media(path) as media, open_media(other) as same:
            pairs = zip(media.frames_at(wanted), same.frames_at(wanted))
            assert all((a == b).all() for a, b in pairs)
