"""Opening a file with the reader that was asked for."""

from __future__ import annotations

from functools import partial

from .reading.reader import MediaReader
from .trust.limits import MediaLimits
from .trust.sources import Source


def open_media(
    source: Source,
    reader: str = "pyav",
    *,
    limits: MediaLimits | None = None,
    timeout: float | None = None,
    square_pixels: bool = True,
) -> MediaReader:
    """Opens a media file.

    Args:
        source: A file of this machine, the content of one, or one that is elsewhere
            (a :class:`FileSource`, of :func:`fetch` or of a part of a file).
        reader: ``'pyav'`` or ``'decord'``; the latter decodes the video with decord.
        limits: What the file may have; None is ``MediaLimits()``.
        timeout: Seconds of processor time that opening it, and then each call of the
            reader, may take, and ten times as many by the clock. None is no limit. The
            time is checked between packets: a decoder that hangs within one packet is
            not ended.
        square_pixels: Whether frames are scaled to the width they are shown with, where
            pixels are not square (DV, DVB, DVD). False leaves them as they are stored.

    Returns:
        The open file.

    Raises:
        FileNotFoundError: If there is no such file.
        UntrustedMediaError: If it is no media file of an allowed container.
        MediaLimitError: If it has more of something than allowed.
        UnreadableMediaError: If it cannot be opened.
        MediaTimeoutError: If that takes longer than allowed.
        FetchError: If it is elsewhere and cannot be fetched.

    Example:
        >>> with open_media("clip.mp4") as media:
        ...     frames = media.frames_at([0.0, 0.5])
        ...     sound = media.waveform(0.0, 1.0, 16000)
    """
    if reader not in READERS:
        raise ValueError(f"reader must be one of {sorted(READERS)}, got {reader!r}")
    media = READERS[reader](source, limits, timeout, square_pixels)
    media.reopen = partial(
        open_media,
        source,
        reader,
        limits=limits,
        timeout=timeout,
        square_pixels=square_pixels,
    )
    return media


def _pyav(*args) -> MediaReader:
    from .pyav.pyav_reader import PyAVReader

    return PyAVReader(*args)


def _decord(*args) -> MediaReader:
    from .decord.decord_reader import DecordReader

    return DecordReader(*args)


READERS = {"pyav": _pyav, "decord": _decord}
