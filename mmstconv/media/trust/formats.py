"""Which files may reach a decoder.

FFmpeg guesses a file's format from its content. So a playlist that is named like a
video makes it open other files and network addresses. Here the first bytes have to be
those of a known container, and FFmpeg is told which one instead of guessing.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .errors import UnreadableMediaError, UntrustedMediaError
from .sources import FileSource, Source, name_of, open_source

HEADER_BYTES = 4096
# `http:`, `concat:`, `subfile,`: how FFmpeg names its protocols.
PROTOCOL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+[:,]")
FIRST_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"}
ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
MXF = bytes.fromhex("060e2b34020501010d0102")


@dataclass(frozen=True)
class Container:
    """A container format.

    Args:
        demuxer: FFmpeg's name of the format.
        guessable: Whether FFmpeg would certainly guess the same, because the file
            starts with this container's mark and no text can follow it. Only such
            files go to decord, which lets FFmpeg guess.
    """

    demuxer: str
    guessable: bool = False


def identify(source: Source) -> Container:
    """Tells the container of a file by its content.

    Args:
        source: A file of this machine, the content of one, or one that is elsewhere.

    Returns:
        The container.

    Raises:
        FileNotFoundError: If there is no such file.
        UntrustedMediaError: If it is no media file of an allowed container.
        UnreadableMediaError: If it is empty.
    """
    if isinstance(source, (bytes, FileSource)):
        with open_source(source) as file:
            return _identify(file, name_of(source))
    path = os.fspath(source)
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        if PROTOCOL.match(path):
            raise UntrustedMediaError(
                path, "addresses are not read", "give the path of a local file"
            ) from None
        raise FileNotFoundError(f"media file not found: {path}") from None
    except ValueError as error:
        raise UntrustedMediaError(repr(path), str(error)) from None
    if not stat.S_ISREG(mode):
        kind = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
        raise UntrustedMediaError(path, f"is {kind}", "give the path of a media file")
    with open(path, "rb") as file:
        return _identify(file, path)


def _identify(file: BinaryIO, name: str) -> Container:
    header = file.read(HEADER_BYTES)
    if not header:
        raise UnreadableMediaError(name, "is empty")
    container = sniff(header)
    if container is None and header.startswith(b"ID3"):
        file.seek(_tag_size(header))
        container = _after_tag(file.read(16))
    if container is None:
        raise UntrustedMediaError(
            name,
            "does not start like a media container that is read here",
            "convert it, for instance to mp4",
        )
    return container


def sniff(header: bytes) -> Container | None:
    """Tells the container by a file's first bytes; None if it is not an allowed one."""
    if header[4:8] in FIRST_BOXES:
        # The size of a small box begins with a zero byte, where text ends for FFmpeg.
        return Container("mov", header[4:8] == b"ftyp" and header[0] == 0)
    if header.startswith(b"\x1a\x45\xdf\xa3"):
        return Container("matroska", b"matroska" in header or b"webm" in header)
    if header.startswith(b"RIFF") and header[8:12] == b"AVI ":
        return Container("avi", True)
    if header[:4] in (b"RIFF", b"RF64") and header[8:12] == b"WAVE":
        return Container("wav")
    if header.startswith(b"FORM") and header[8:12] in (b"AIFF", b"AIFC"):
        return Container("aiff")
    if header.startswith(b"FLV") and len(header) > 5 and header[3] < 5:
        return Container("flv", header[5] == 0)
    for magic, container in MAGIC.items():
        if header.startswith(magic):
            return container
    if _is_transport_stream(header):
        return Container("mpegts")
    return _after_tag(header)


MAGIC = {
    ASF: Container("asf", True),
    MXF: Container("mxf"),
    b"OggS\x00": Container("ogg", True),
    b"\x00\x00\x01\xba": Container("mpeg", True),
    b"fLaC": Container("flac"),
    b"#!AMR": Container("amr"),
    b"caff\x00\x01": Container("caf"),
    b"DKIF\x00\x00": Container("ivf"),
}


def _is_transport_stream(header: bytes) -> bool:
    """Whether sync bytes are 188 bytes apart, or 192 with the time codes of cameras."""
    for packet, offset in ((188, 0), (192, 4)):
        marks = header[offset::packet]
        if len(marks) >= 3 and set(marks) == {0x47}:
            return True
    return False


def _after_tag(header: bytes) -> Container | None:
    """The formats that may follow an ID3 tag: MPEG audio, AAC, FLAC.

    FFmpeg skips the tag before it guesses, so what follows is checked too.
    """
    if header.startswith(b"fLaC"):
        return Container("flac")
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    if header[1] & 0xF6 == 0xF0:
        return Container("aac")
    layer, version = header[1] >> 1 & 3, header[1] >> 3 & 3
    bit_rate, sample_rate = header[2] >> 4, header[2] >> 2 & 3
    valid = layer and version != 1 and 0 < bit_rate < 15 and sample_rate != 3
    return Container("mp3") if valid else None


def _tag_size(header: bytes) -> int:
    """Bytes of an ID3 tag with its header."""
    size = 0
    for byte in header[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size + (10 if len(header) > 5 and header[5] & 0x10 else 0)


def absolute(path: str | os.PathLike) -> str:
    """The absolute path, which FFmpeg cannot take for an address."""
    return str(Path(os.path.abspath(os.fspath(path))))
