"""Limits on size and time: they stop decompression bombs and hangs."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields

from .errors import MediaError, MediaLimitError, MediaTimeoutError


@dataclass(frozen=True)
class MediaLimits:
    """How much a file may have. Reading one that has more raises ``MediaLimitError``.

    Args:
        max_pixels: Pixels of one stored frame, wherever it is in the file.
        max_seconds: Seconds of video or sound.
        max_streams: Number of streams of any kind.
        max_bytes: Bytes of memory that FFmpeg may take in one piece. A frame of
            40 megapixels with four channels of 16 bits takes 320 MB.
    """

    max_pixels: int = 40_000_000
    max_seconds: float = 86_400
    max_streams: int = 32
    max_bytes: int = 512 << 20

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise TypeError(f"{field.name} must be a number, got {value!r}")
            if not value > 0:
                raise ValueError(f"{field.name} must be positive, got {value}")

    def check(self, path: str, **found: float) -> None:
        """Raises unless every value is within its limit.

        Args:
            path: For the message.
            found: ``pixels``, ``seconds`` or ``streams`` of the file.
        """
        for name, value in found.items():
            limit = getattr(self, f"max_{name}")
            if value > limit:
                raise MediaLimitError(
                    path,
                    f"has {value:.10g} {name}, the limit is {limit:.10g}",
                    f"if that is right, read it with MediaLimits(max_{name}=...)",
                )


# Reading may take this many times its limit by the clock: a slow disk or a busy machine
# makes it wait.
PATIENCE = 10


class Deadline:
    """A time limit for each call of a reader, in processor time of the calling thread.

    Waiting does not count, up to ``PATIENCE`` times the limit by the clock. A file that
    cannot be fetched further is at its end as well.

    Args:
        path: Of the file, for the message.
        seconds: The limit, from :meth:`start` on; None is no limit.
    """

    def __init__(self, path: str, seconds: float | None) -> None:
        if seconds is not None and not seconds > 0:
            raise ValueError(f"timeout must be positive, got {seconds}")
        self.path = path
        self.seconds = seconds
        #: What the file's bytes could not be had for; ends the reading.
        self.failure: MediaError | None = None
        self.start()

    def start(self) -> None:
        """Begins to count anew."""
        if self.seconds is not None:
            self._busy_end = time.thread_time() + self.seconds
            self._end = time.monotonic() + PATIENCE * self.seconds

    @property
    def is_over(self) -> bool:
        """Whether the time is over, or the file cannot be fetched further."""
        if self.failure is not None:
            return True
        return self.seconds is not None and (
            time.thread_time() > self._busy_end or time.monotonic() > self._end
        )

    def check(self) -> None:
        """Raises once the time is over."""
        if self.is_over:
            raise self.error()

    def error(self) -> MediaError:
        """What to raise when the time is over."""
        if self.failure is not None:
            return self.failure
        return MediaTimeoutError(
            self.path,
            f"was not read within {self.seconds:g} s",
            "raise timeout if the file is just slow to read",
        )
