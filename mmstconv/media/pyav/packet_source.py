"""An open container, as the one place where packets are read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import av
import av.logging
import numpy as np
from av.stream import Discard

from ..structure.changed_file import ChangedFile
from ..structure.checksums import Checksums
from ..structure.cuts import find_cut
from ..structure.joined import find_changes
from ..structure.mirroring import key_of, mirrored_tracks
from ..structure.promises import missing_streams
from ..trust.content import Content
from ..trust.damage import Damage
from ..trust.errors import (
    MISTAKES,
    FileErrors,
    MediaLimitError,
    UnreadableMediaError,
)
from ..trust.limits import Deadline, MediaLimits
from ..trust.memory import limit_pieces
from ..trust.sources import Source as FileOrBytes
from ..trust.sources import name_of, open_source

# FFmpeg decodes frames of these to find the streams when it opens a file, and options
# such as ``max_pixels`` do not reach those decoders. So only decoders of sound are
# allowed then: no frame is allocated before its size is checked.
UNPROBED = {"flv": "aac,mp3float,mp3,speex,nellymoser,adpcm_swf,opus,flac"}
# The header of these tells everything that is asked for, so FFmpeg need not decode
# frames when it opens a file. (Matroska's does not: its durations come out wrong.)
TELLS_ALL = {"mov"}
# Their header does not list the streams: a stream may begin anywhere.
BEGINS_ANYWHERE = {"flv", "mpegts", "mpeg"}
STREAM_LINE = re.compile(r"^ +Stream #0:\d+", re.MULTILINE)
LATE_STREAM = "a stream that begins within it is not read"
UNDECODED = {"skip_frame": "all"}
# Names in a file need not be UTF-8. PyAV 19 reads them as they are.
READS_ANY_NAME = int(av.__version__.partition(".")[0]) >= 19
LENIENT = {} if READS_ANY_NAME else {"metadata_errors": "ignore"}
EMPTY = av.Packet()
AS_LITTLE_AS_CAN_BE = "1"  # microseconds
# An index with more entries is checked at this many places, and refused if more than
# this share of the steps between them does not rise.
LONG_INDEX, INDEX_PROBES, MOSTLY = 10_000, 200, 0.2


class Source:
    """A container, opened with PyAV as the format that it was found to be.

    It enforces the limits, watches the time, and collects what is found broken.

    Args:
        source: A file of this machine, the content of one, or one that is elsewhere.
        demuxer: FFmpeg's name of its container.
        limits: What it may have.
        timeout: Seconds that opening, and each call, may take; None is no limit.
    """

    def __init__(
        self,
        source: FileOrBytes,
        demuxer: str,
        limits: MediaLimits,
        timeout: float | None,
    ) -> None:
        self.path = name_of(source)
        self.demuxer = demuxer
        self.limits = limits
        self.deadline = Deadline(self.path, timeout)
        self.damage = Damage()
        self.container = self._stream = None
        self._file = open_source(source)
        try:
            self.cut = find_cut(self._file, demuxer)
            if self.cut:
                self.damage.note(self.cut.reason)
            self._mirrored = mirrored_tracks(self._file, demuxer)
            size = self._file.seek(0, os.SEEK_END)
            self._file.seek(0)
            usable = self.cut.usable if self.cut else size
            changes = find_changes(self._file, demuxer, usable, self.damage)
            self.joins = changes.joins if changes else []
            self._file.seek(0)
            content = Content(self._file, usable, self.deadline)
            self.container = self._open(
                ChangedFile(content, changes) if changes else content
            )
            self.deadline.check()
            with FileErrors(self.path, "opened"):
                self._check()
            kinds = [stream.type for stream in self.container.streams]
            here = self._file.tell()
            for kind, count in missing_streams(self._file, demuxer, kinds).items():
                self.damage.note(f"lacks {count} of the {kind} streams it promises")
            self._checksums = Checksums(self._file, demuxer)
            self._file.seek(here)
        except BaseException:
            self.close()
            raise

    def packets(self, stream) -> Iterator:
        """The packets of a stream from where :meth:`seek` went, in decoding order.

        They end where the file cannot be read further.
        """
        reader = self.container.demux(stream)
        while True:
            try:
                packet = next(reader, None)
            except IndexError:  # a stream that was not there at the opening
                self.damage.note(LATE_STREAM)
                reader, packet = self.container.demux(stream), EMPTY
            except Exception as error:  # whatever a decoder raises is the file's
                self.deadline.check()
                reason = getattr(error, "strerror", None) or error
                self.damage.note(f"cannot be read to its end ({reason})")
                break
            self.deadline.check()  # the file ends when the time does
            if packet is None:
                self._look_at(None)
                break
            if packet.size:
                self._look_at(packet)
                yield packet
        if self._has_late_stream():
            self.damage.note(LATE_STREAM)

    def seek(self, stream, seconds: float | None, earliest: int) -> None:
        """Goes to the key frame of a stream at or before a time.

        Args:
            stream: The stream, of which :meth:`packets` are read next.
            seconds: The time; None is the beginning.
            earliest: Where the beginning is looked for, in ticks of the stream.
        """
        self._checksums.jump()
        if stream is not self._stream:  # the demuxer skips all others
            for other in self.container.streams:
                other.discard = Discard.default if other is stream else Discard.all
            self._stream = stream
        offset = earliest
        if seconds is not None and np.isfinite(seconds):
            offset = max(int(np.floor(seconds / float(stream.time_base))), earliest)
        try:
            self._jump(offset, stream=stream, backward=True)
        except (av.FFmpegError, OverflowError):
            self._seek_anywhere(stream, earliest)

    @property
    def end(self) -> float | None:
        """When the container says it ends, in seconds; None if it does not say."""
        if self.container.duration is None:
            return None
        start = self.container.start_time or 0
        return (start + self.container.duration) / av.time_base

    def is_mirrored(self, stream) -> bool:
        """Whether the container says that pictures of a stream are mirrored."""
        return key_of(stream, self.demuxer) in self._mirrored

    def close(self) -> None:
        if self.container is not None:
            self.container.close()
        self._file.close()

    def _has_late_stream(self) -> bool:
        """Whether FFmpeg has found more streams than at the opening.

        Since PyAV 19 that is told nowhere but in FFmpeg's description of the file.
        """
        if self.demuxer not in BEGINS_ANYWHERE:
            return False
        level = av.logging.get_level()
        av.logging.set_level(av.logging.INFO)
        try:
            described = self.container.dumps_format()
        finally:
            av.logging.set_level(level)
        return len(STREAM_LINE.findall(described)) > len(self.container.streams)

    def _seek_anywhere(self, stream, earliest: int) -> None:
        for offset in (earliest, stream.start_time or 0):
            try:
                self._jump(max(offset, 0), stream=stream, any_frame=True)
                return
            except (av.FFmpegError, OverflowError) as error:
                reason = error
        raise UnreadableMediaError(
            self.path,
            f"its beginning cannot be found again: {reason}",
            "the file may be damaged",
        )

    def _look_at(self, packet) -> None:
        note = "parts that are broken, by their check sum or size"
        self.damage.note(note, self._checksums.wrong(packet))

    def _jump(self, offset: int, **how) -> None:
        """Seeks, within the time allowed."""
        try:
            self.container.seek(offset, **how)
        finally:
            self.deadline.check()

    def _open(self, file: Content):
        limit_pieces(self.limits.max_bytes)
        options = {
            "protocol_whitelist": "none",
            "max_pixels": str(int(self.limits.max_pixels)),
            "max_streams": str(int(self.limits.max_streams) + 1),
        }
        if self.demuxer in UNPROBED:
            options["codec_whitelist"] = UNPROBED[self.demuxer]
        if self.demuxer in TELLS_ALL:
            options |= {"analyzeduration": AS_LITTLE_AS_CAN_BE, **UNDECODED}
        try:
            return av.open(file, format=self.demuxer, options=options, **LENIENT)
        except MemoryError as error:
            raise MediaLimitError(
                self.path,
                f"has more than {self.limits.max_streams} streams, or needs more than "
                f"{self.limits.max_bytes} bytes of memory in one piece",
                "if that is right, read it with MediaLimits(max_streams=..., "
                "max_bytes=...)",
            ) from error
        except MISTAKES:
            raise
        except Exception as error:
            self.deadline.check()
            cut = f"; it {self.cut.reason}" if self.cut else ""
            raise UnreadableMediaError(
                self.path,
                f"cannot be opened as {self.demuxer}: {error}{cut}",
                "the file may be damaged or incomplete",
            ) from error

    def _check(self) -> None:
        """Checks what the header says, before memory of that size is needed."""
        streams = self.container.streams
        self.limits.check(self.path, streams=len(streams))
        start = self.container.start_time or 0
        seconds = self._length(self.container.duration, start) / av.time_base
        self.limits.check(self.path, seconds=seconds)
        for stream in streams:
            length = self._length(stream.duration, stream.start_time or 0)
            if length > 0:
                self.limits.check(self.path, seconds=float(length * stream.time_base))
            if self.demuxer == "mov":
                self._check_order(stream.index_entries)

    def _length(self, duration: int | None, start: int) -> int:
        """The duration; for fragmented MP4, FFmpeg gives the end in its place."""
        shift = max(start, 0) if self.demuxer == "mov" else 0
        return max((duration or 0) - shift, 0)

    def _check_order(self, entries) -> None:
        """Refuses a long index whose time stamps mostly do not rise.

        FFmpeg would search it from one end to the other, over and over, in a single
        call that nothing can interrupt.
        """
        if len(entries) < LONG_INDEX:
            return
        places = np.linspace(0, len(entries) - 1, INDEX_PROBES).astype(int)
        stamps = np.array([entries[int(place)].timestamp for place in places])
        if np.mean(np.diff(stamps) <= 0) > MOSTLY:
            raise UnreadableMediaError(
                self.path,
                f"has {len(entries)} frames whose time stamps do not rise",
                "the file may be damaged; write it anew, for instance with another "
                "tool",
            )
