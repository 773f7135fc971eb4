"""Exact frames of a video stream, by time, with PyAV."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from ..reading.view import View, see_frame, see_image
from ..structure.codec_headers import CodecHeaders
from ..trust.errors import (
    FileErrors,
    MediaLimitError,
    UnreadableMediaError,
    decoder_error,
)
from .orientation import PHOTOGRAPHS, Orientation, orientation_of, says_mirrored
from .packet_source import Source
from .stream_end import end_of
from .stretch import Stretch

# A time stamp is known to half a tick of the container's clock; some clocks are coarse.
MAX_TOLERANCE = 0.0005
STEPS_BACK = (0.0, 0.5, 2.0, 8.0, 32.0)
# Decoded frames that are held until they are converted, a few at a time: going back and
# forth between decoding and converting is slower.
HELD_BYTES = 16 << 20
# Pixels are shown at most so much wider or higher; a file that says more is wrong.
MAX_PIXEL_ASPECT = 4.0
# Remuxing rounds: closer than this to square is square.
SQUARE = 0.01
# FFmpeg's decoders allocate more than a frame at each side, by this at most; where it
# has not told the size yet, frames may have this share more.
MARGIN = 256
ROUNDING = 0.1
# A broken packet may ask for any amount of memory; more of them are no accident.
MAX_STARVED = 2


class PacketNote(NamedTuple):
    """What is told of a packet without its content."""

    pts: int | None
    is_keyframe: bool
    is_discard: bool


class VideoTrack:
    """One video stream of an open container.

    Args:
        source: The container.
        stream: One of its video streams.
        square_pixels: Whether frames are scaled to the shape they are shown in.
    """

    def __init__(self, source: Source, stream, square_pixels: bool = True) -> None:
        self.source = source
        self.stream = stream
        self.context = stream.codec_context
        self.tick = float(stream.time_base)
        self.tolerance = min(self.tick / 2, MAX_TOLERANCE)
        # AVI has no time stamps, only a place in decoding order; what FFmpeg makes of
        # them is wrong by the decoder's delay, and not even rising for H.264.
        self.untimed = source.demuxer == "avi"
        # In MPEG program streams FFmpeg's time stamps depend on where reading began.
        self.steps_back = () if source.demuxer == "mpeg" else STEPS_BACK
        self.context.thread_count = 1
        # Strict: where H.264 does not say how far frames are reordered, as far as they
        # may be. (FFmpeg finds out by decoding, which it does not do at the opening.)
        self.context.options = {
            "max_pixels": str(self._allocable()),
            "strict": "strict",
        }
        self.converter = VideoReformatter()
        self._extent: tuple[float, float] | None = None
        self._orientations: dict[int, Orientation] = {}
        self.headers = CodecHeaders(self.context.name, self.context.extradata)
        self._square_pixels = square_pixels
        self._pixel_aspect: float | None = None
        self._has_begun = False
        self._begins_whole = True  # with a key frame
        self._mirrored = source.is_mirrored(stream)
        self._starved = 0  # packets that would have taken too much memory
        self._check_size()

    def frames_at(
        self,
        times: Sequence[float],
        short_side: int | None = None,
        view: View | None = None,
    ) -> list[np.ndarray]:
        """See :meth:`MediaReader.frames_at`."""
        times = np.asarray(times, np.float64)
        if not np.isfinite(times).all():
            raise ValueError("times must be finite numbers")
        wanted, places = np.unique(times, return_inverse=True)
        images = list(self.in_order(wanted, short_side, view))
        return list(_owned([images[place] for place in places.ravel()]))

    def in_order(
        self,
        times: Sequence[float],
        short_side: int | None = None,
        view: View | None = None,
    ) -> Iterator[np.ndarray]:
        """See :meth:`MediaReader.frames_in_order`."""
        held: list = []
        held_bytes = 0
        for frame in self._shown_at(np.asarray(times, np.float64)):
            # The first frame's, should the size change within the file.
            view = view or self._whole(frame, short_side)
            held.append(frame)
            held_bytes += sum(plane.buffer_size for plane in frame.planes)
            if held_bytes > HELD_BYTES:
                yield from _owned(self._images(held, view))
                held, held_bytes = [], 0
        yield from _owned(self._images(held, view))

    def first_frame(self):
        """The first decodable frame."""
        return next(self._shown_at(np.array([-np.inf])))

    def stored_size(self) -> tuple[int, int]:
        """Width and height of a frame in square pixels, before it is turned upright."""
        width, height = self.context.width, self.context.height
        if not (width and height):
            frame = self.first_frame()
            width, height = frame.width, frame.height
        return self.shown_size(width, height)

    def shown_size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of a decoded frame in square pixels."""
        return max(round(width * self.pixel_aspect), 1), height

    @property
    def pixel_aspect(self) -> float:
        """How much wider than high a pixel is shown; 1 where frames stay as they are.

        It is that of the whole file, so that all of its clips have one shape.
        """
        if self._pixel_aspect is None:
            aspect = 1.0
            if self._square_pixels:
                aspect = self._stated_aspect()
                usual = 1 / MAX_PIXEL_ASPECT <= aspect <= MAX_PIXEL_ASPECT
                if not usual or abs(aspect - 1) < SQUARE:
                    aspect = 1.0
            self._pixel_aspect = aspect
        return self._pixel_aspect

    def _stated_aspect(self) -> float:
        """As the container says, or else the codec; 0 if neither does."""
        container = self.stream.sample_aspect_ratio
        if container:
            return float(container)
        width, height = self.headers.pixel_aspect
        if width and height:
            return width / height
        with suppress(av.FFmpegError):
            self.context.open(strict=False)  # some decoders read it there
        return float(self.context.sample_aspect_ratio or 0)

    @property
    def extent(self) -> tuple[float, float]:
        """When the first frame appears and when the last one disappears."""
        if self._extent is None:
            start = self._start()
            shown = self._frame_duration() / self.tick
            end = end_of(self.source, self.stream, self._seek, shown)
            end = start if end is None else end * self.tick
            if end <= start:
                end = start + self._frame_duration()
            self.source.limits.check(self.source.path, seconds=end - start)
            self._extent = start, end
        return self._extent

    def packets(self) -> list[PacketNote]:
        """Of all packets in decoding order; reads the whole file."""
        self._seek(None)
        return [
            PacketNote(packet.pts, packet.is_keyframe, packet.is_discard)
            for packet in self.source.packets(self.stream)
        ]

    def _whole(self, frame, short_side: int | None) -> View:
        """All of a frame, upright; at its own size if there is no short side."""
        width, height = self.shown_size(frame.width, frame.height)
        if self.orientation(frame).swaps_sides:
            width, height = height, width
        view = View.whole(width, height, short_side)
        if short_side is not None or width * height > frame.width * frame.height:
            # A frame of one row and many columns would grow out of all bounds.
            pixels = view.width * view.height
            self.source.limits.check(self.source.path, pixels=pixels)
        return view

    def _images(self, frames: list, view: View) -> list[np.ndarray]:
        """An image for each frame; the same object where a frame is repeated."""
        images: list[np.ndarray] = []
        for index, frame in enumerate(frames):
            repeated = index > 0 and frame is frames[index - 1]
            images.append(images[-1] if repeated else self._image(frame, view))
        return images

    def _image(self, frame, view: View) -> np.ndarray:
        orientation = self.orientation(frame)
        view = view.turned() if orientation.swaps_sides else view
        image = None
        if not view.is_whole(frame.width, frame.height):
            with FileErrors(self.source.path, "converted to RGB"):
                image = see_frame(frame, view)
        if image is None:
            image = see_image(self._to_rgb(frame), view)
        return orientation(image)

    def _to_rgb(self, frame) -> np.ndarray:
        # One converter for all frames: setting it up takes longer than a small frame.
        # On one thread: more would be started for every frame.
        with FileErrors(self.source.path, "converted to RGB"):
            image = self.converter.reformat(frame, format="rgb24", threads=1)
            return image.to_ndarray()

    def orientation(self, frame) -> Orientation:
        """What makes a decoded frame upright."""
        angle = frame.rotation
        if angle not in self._orientations:
            mirrored = self._mirrored
            if self.context.name in PHOTOGRAPHS:
                mirrored = says_mirrored(frame, mirrored)
            self._orientations[angle] = orientation_of(frame, mirrored)
        return self._orientations[angle]

    def _start(self) -> float:
        """When the first frame appears."""
        start = (self.stream.start_time or 0) * self.tick
        self._begin()
        if self._begins_whole or self.untimed:
            return start
        stamp = self.first_frame().pts
        return start if stamp is None else stamp * self.tick

    def _frame_duration(self) -> float:
        rate = self.stream.average_rate or self.stream.guessed_rate
        return float(1 / rate) if rate else 0.04

    def _seek(self, seconds: float | None) -> None:
        """To the key frame at or before a time; None is the beginning."""
        earliest = (self.stream.start_time or 0) - round(10 / self.tick)
        if seconds is not None:
            self._begin()
        self.source.seek(self.stream, seconds, earliest)

    def _begin(self) -> None:
        """Looks at the first packet, once; decodes it where others need what it says.

        The decoder keeps that when it is flushed.
        """
        if self._has_begun:
            return
        self._has_begun = True
        self._seek(None)
        first = next(self.source.packets(self.stream), None)
        if first is None:
            return
        start, stamp = self.stream.start_time, first.pts
        late = None not in (start, stamp) and stamp > start
        self._begins_whole = first.is_keyframe and not late
        if self.headers.needs_first(first):
            self.decode(first)
            self.context.flush_buffers()

    def _shown_at(self, wanted: np.ndarray) -> Iterator:
        """Decodes; gives the frame shown at each of rising times."""
        done = 0
        while done < len(wanted):
            rest = wanted[done:] + self.tolerance
            for back, exact in self._attempts(rest[0]):
                self._seek(None if back is None else rest[0] - back)
                stretch = Stretch(self, rest, from_start=back is None, exact=exact)
                before = done
                for frame in self._shown_in(stretch):
                    yield frame
                    done += 1
                if done > before:
                    break
            else:
                raise UnreadableMediaError(
                    self.source.path,
                    "no video frame can be decoded",
                    "the file may be damaged",
                )
            damage = self.source.damage
            damage.note("video packets that cannot be decoded", stretch.undecodable)
            damage.note("video frames that are decoded in part", stretch.corrupt)

    def _attempts(self, first: float) -> Iterator[tuple[float | None, bool]]:
        """Seconds to go back from a time, None to the beginning; and whether exactly.

        The next one counts where the one before begins too late.
        """
        start = self.stream.start_time
        if start is None or first >= start * self.tick:
            yield from ((back, False) for back in self.steps_back)
        yield None, False
        yield None, True

    def _shown_in(self, stretch: Stretch) -> Iterator:
        """The frames of a stretch shown at its times.

        None at all if decoding starts too late for the first time and there is
        something before.
        """
        wanted = stretch.wanted
        previous = None
        count = 0
        for time, frame in stretch:
            if (
                previous is None
                and time > wanted[0]
                and not self._is_first(stretch, time)
            ):
                return
            while count < len(wanted) and time > wanted[count]:
                yield previous or frame
                count += 1
            previous = frame
            if count == len(wanted):
                break
        while previous is not None and count < len(wanted):
            yield previous
            count += 1
        self.context.flush_buffers()

    def _is_first(self, stretch: Stretch, time: float) -> bool:
        """Whether a stretch's first frame, shown at a time, is the file's first."""
        if stretch.exact or self.untimed:
            return stretch.from_start
        return stretch.from_start and time <= stretch.lowest * self.tick

    def decode(self, packet) -> list | None:
        """The frames a packet completes; None if it cannot be decoded."""
        self.source.deadline.check()
        try:
            frames = self.context.decode(packet)
        except Exception as error:  # whatever a decoder raises is the file's
            self._check_size(refused=isinstance(error, av.error.ArgumentError))
            self._starved += isinstance(error, MemoryError)
            if self._starved > MAX_STARVED:
                raise decoder_error(self.source.path, "decoded", error) from error
            return None
        for frame in frames:
            pixels = frame.width * frame.height
            self.source.limits.check(self.source.path, pixels=pixels)
        return frames

    def _allocable(self) -> int:
        """Pixels that FFmpeg may allocate for a frame.

        It rounds sides up, and the frame may have just as many as are allowed.
        """
        sides = self.context.width, self.context.height
        limit = int(self.source.limits.max_pixels)
        if not all(sides):
            return int(limit * (1 + ROUNDING))
        return max(limit, math.prod(side + MARGIN for side in sides))

    def _check_size(self, refused: bool = False) -> None:
        """Raises if frames are larger than allowed.

        FFmpeg refuses to allocate them. Some of its decoders tell the size by then,
        others have set it to zero.
        """
        limits, pixels = self.source.limits, self.context.width * self.context.height
        limits.check(self.source.path, pixels=pixels)
        if not refused or not self.context.is_open:
            return
        if not pixels or self._allocable() > limits.max_pixels:
            raise MediaLimitError(
                self.source.path,
                f"has frames of more than {limits.max_pixels} pixels as they are "
                "stored, or of no valid size",
                "if that is right, read it with MediaLimits(max_pixels=...)",
            )


def _owned(images: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """Each with its own memory: augmentations write into images."""
    used: set[int] = set()
    for image in images:
        yield image.copy() if id(image) in used else image
        used.add(id(image))
