"""Decoding the packets of a video stream within the limits."""

from __future__ import annotations

import math

import av

from ..trust.errors import MediaLimitError, decoder_error
from .packet_source import Source

# FFmpeg's decoders allocate up to this many pixels more than a frame at each side.
MARGIN = 256
# The share that frames may be larger where FFmpeg has not told the size yet.
ROUNDING = 0.1
# A broken packet may ask for any amount of memory. More such packets are no accident.
MAX_STARVED = 2


class FrameDecoder:
    """The decoder of one video stream.

    Args:
        source: The open container.
        stream: One of its video streams.

    Raises:
        MediaLimitError: If its frames are larger than allowed.
    """

    def __init__(self, source: Source, stream) -> None:
        self.source = source
        self.context = stream.codec_context
        self.context.thread_count = 1
        # Strict: where H.264 does not say how far frames are reordered, FFmpeg assumes
        # the most. It would find out by decoding, which it does not do at the opening.
        self.context.options = {
            "max_pixels": str(self._allocable()),
            "strict": "strict",
        }
        self._starved = 0  # packets that would have taken too much memory
        self._check_size()

    def decode(self, packet) -> list | None:
        """The frames that a packet completes; None if it cannot be decoded."""
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

    def flush(self) -> None:
        """Forgets the frames that were not given out."""
        self.context.flush_buffers()

    def _allocable(self) -> int:
        """How many pixels FFmpeg may allocate for a frame.

        FFmpeg rounds sides up, and a frame may have just as many as are allowed.
        """
        sides = self.context.width, self.context.height
        limit = int(self.source.limits.max_pixels)
        if not all(sides):
            return int(limit * (1 + ROUNDING))
        return max(limit, math.prod(side + MARGIN for side in sides))

    def _check_size(self, refused: bool = False) -> None:
        """Raises if frames are larger than allowed.

        Args:
            refused: Whether FFmpeg has just refused a packet, which it does when it may
                not allocate the frame. Some of its decoders tell the size by then,
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
