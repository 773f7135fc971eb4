"""What the benchmarks look at: drawn files, kept in ``work_dirs/bench``, and images.

In a file a textured background is panned and zoomed, textured patches move over it,
and every frame has its own sensor noise; the bit rates are those of web video of the
size (about 400 kbit/s at 240 lines). The sound is noise bursts and glides in stereo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

import mmstconv  # noqa: F401
from mmstconv.media import SoundCoding, VideoCoding, write_media

FOLDER = Path("work_dirs/bench/media")
SAMPLE_RATE = 44100
SIZE, WAVES = 112, 60  # of the images of `translations`


@dataclass(frozen=True)
class Clip:
    """A file to draw."""

    name: str  # the suffix chooses the container
    width: int
    height: int
    fps: int = 30
    seconds: float = 10.0
    crf: int = 20  # quality of H.264; larger is worse

    def __str__(self) -> str:
        return f"{self.name}, {self.width} x {self.height}"


#: What web data sets of short clips hold: H.264 with sound, one key frame in 250.
WEB = (
    Clip("web_240.mp4", 320, 240),
    Clip("web_256.mp4", 340, 256),
    Clip("web_360.mp4", 480, 360, fps=25),
    Clip("web_480.mp4", 640, 480),
)
HIGH = (
    Clip("high_720.mp4", 1280, 720, seconds=6.0, crf=23),
    Clip("high_1080.mp4", 1920, 1080, seconds=6.0, crf=23),
)
#: As UCF101: MPEG-4 in AVI, cheap to decode.
AVI = (
    Clip("ucf_1.avi", 320, 240, fps=25, seconds=7.0),
    Clip("ucf_2.avi", 320, 240, fps=25, seconds=7.0),
)


def draw(clip: Clip, seed: int) -> Iterator[np.ndarray]:
    """The frames of a clip, one by one."""
    rng = np.random.default_rng(seed)
    width, height = clip.width, clip.height
    scene = texture(rng, 2 * height, 2 * width)
    patches = [texture(rng, height // 3, height // 3) for _ in range(3)]
    speed = rng.uniform(-1.5, 1.5, (4, 2)) * height / 240
    places = rng.uniform(0.2, 0.6, (3, 2)) * (width, height)
    grain = rng.normal(0, 2.5, (8, height, width, 3)).astype(np.int8)
    for k in range(round(clip.fps * clip.seconds)):
        zoom = 1 + 0.1 * np.sin(k / 40)
        shift = (width / 2, height / 2) + speed[0] * 60 * np.sin(k / 60)
        matrix = np.array([[zoom, 0, -shift[0]], [0, zoom, -shift[1]]], np.float32)
        frame = cv2.warpAffine(scene, matrix, (width, height), borderMode=2)
        for patch, place, step in zip(patches, places, speed[1:]):
            side = len(patch)
            limit = np.array([width - side, height - side])
            at = place + step * k
            x, y = (limit - np.abs(at % (2 * limit) - limit)).astype(int)
            frame[y : y + side, x : x + side] = patch
        frame = frame.astype(np.int16) + grain[k % 8]
        yield np.clip(frame, 0, 255).astype(np.uint8)


def texture(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Smooth noise of several scales in three correlated channels, uint8."""
    image = np.zeros((height, width, 3), np.float32)
    for cell, share in ((64, 60), (16, 35), (4, 18)):
        coarse = rng.normal(0, 1, (height // cell + 2, width // cell + 2, 3))
        coarse = 0.7 * coarse.mean(axis=2, keepdims=True) * np.sqrt(3) + 0.5 * coarse
        size = (width, height)
        image += share * cv2.resize(coarse.astype(np.float32), size, interpolation=2)
    return np.clip(image + 120, 0, 255).astype(np.uint8)


def sound(seconds: float, seed: int) -> np.ndarray:
    """Bursts of noise over a glide, ``(2, samples)``."""
    rng = np.random.default_rng(seed)
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    glide = 0.2 * np.sin(2 * np.pi * (200 + 40 * times) * times)
    bursts = 0.2 * rng.normal(0, 1, (2, len(times))) * (np.sin(4 * times) > 0.6)
    return np.clip(glide + bursts, -1, 1).astype(np.float32)


def write(clip: Clip, seed: int, folder: Path | None = None) -> Path:
    """The file of a clip; drawn and encoded unless it is there."""
    path = (folder or FOLDER) / clip.name
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    options, codecs = {"preset": "medium", "crf": str(clip.crf)}, ("libx264", "aac")
    if path.suffix == ".avi":
        options, codecs = {"b": "400000"}, ("mpeg4", "libmp3lame")
    return write_media(
        path,
        draw(clip, seed),
        clip.fps,
        sound(clip.seconds, seed),
        SAMPLE_RATE,
        video=VideoCoding(codec=codecs[0], gop_size=250, options=options),
        sound=SoundCoding(codec=codecs[1]),
    )


def files(clips: Iterable[Clip], folder: Path | None = None) -> list[Path]:
    """Paths of clips, drawn where they are missing."""
    return [write(clip, seed, folder) for seed, clip in enumerate(clips)]


def looped(clip: Clip, seconds: float, folder: Path | None = None) -> Path:
    """A file of a clip's packets, not encoded anew, until so many seconds are full."""
    source = write(clip, 1, folder)
    path = source.with_stem(f"{source.stem}_{seconds:g}s")
    if path.exists():
        return path
    # read by FFmpeg's "concat"; the last block of sound may be longer than the clip
    entry = f"file '{source.resolve()}'\noutpoint {clip.seconds}\n"
    entry += f"duration {clip.seconds}\n"
    listed = path.with_suffix(".txt")
    listed.write_text(entry * -(-int(seconds) // round(clip.seconds)))
    beginning = path.with_name(f"unfinished_{path.name}")
    options = dict(safe="0")
    with (
        av.open(str(listed), format="concat", options=options) as reader,
        av.open(str(beginning), "w") as writer,
    ):
        streams = [writer.add_stream_from_template(one) for one in reader.streams]
        last: dict[int, int] = {}
        for packet in reader.demux():
            index = packet.stream.index
            if packet.size and packet.dts > last.get(index, packet.dts - 1):
                last[index] = packet.dts
                packet.stream = streams[index]
                writer.mux(packet)
    return beginning.rename(path)


def translations(pixels: Iterable[float]) -> Iterator[tuple]:
    """Pairs of grey images, another texture and direction each, and their shift.

    A texture is a sum of cosine waves down to 6 pixels; nothing is interpolated.
    """
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(float)
    for seed, distance in enumerate(pixels):
        rng = np.random.default_rng(seed)
        waves = rng.uniform(-0.16, 0.16, (WAVES, 2))
        heights = rng.uniform(0.2, 1, WAVES) / np.hypot(*waves.T).clip(0.02) ** 0.7
        heights *= 45 / np.sqrt((heights**2).sum() / 2)
        phases = rng.uniform(0, 2 * np.pi, WAVES)
        angle = rng.uniform(0, 2 * np.pi)
        shift = (distance * np.cos(angle), distance * np.sin(angle))
        images = []
        for dx, dy in ((0.0, 0.0), shift):
            turns = np.multiply.outer(waves[:, 0], x - dx)
            turns += np.multiply.outer(waves[:, 1], y - dy)
            cosines = np.cos(2 * np.pi * turns + phases[:, None, None])
            image = 120 + np.tensordot(heights, cosines, 1)
            images.append(np.rint(image.clip(0, 255)).astype(np.uint8))
        yield images[0], images[1], shift


def end_point_errors(solver: Callable, pairs: Iterable, margin: int) -> list[float]:
    """Mean error in pixels of each of the ``translations``, but for a margin that has
    left the image; a solver gives ``(H, W, 2)``."""
    inner = slice(margin, -margin)
    return [
        float(np.hypot(*(solver(a, b) - shift).transpose(2, 0, 1))[inner, inner].mean())
        for a, b, shift in pairs
    ]
