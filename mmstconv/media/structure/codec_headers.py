"""What the headers inside a codec's packets say, where the container says nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

START_CODE = b"\0\0\1"
# H.264 (ISO/IEC 14496-10, 7.3.2.1.1): profiles whose parameter sets say how chroma is
# stored.
HIGH_PROFILES = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
PARAMETER_SET = 7
YUV444 = 3
# FFmpeg works around mistakes of old x264 builds, but x264 writes its build into the
# first packet only. Before these builds that matters: to 4:4:4 streams, and to others
# with B-frames.
X264 = re.compile(rb"x264 - core (\d+)")
X264_YUV444, X264_DIRECT = 151, 34
MPEG2_EXTENSION, MPEG2_PICTURE, MPEG2_FRAME = b"\0\0\1\xb5", 8, 3
MPEG4_FRAME, MPEG4_USER_DATA = b"\0\0\1\xb6", b"\0\0\1\xb2"
# Headers stand at the beginning of a packet: this much of it is searched.
HEADER_BYTES = 4096
# H.264, annex E: width and height of a pixel, by number.
PIXEL_ASPECTS = (
    *((0, 1), (1, 1), (12, 11), (10, 11), (16, 11), (40, 33), (24, 11), (20, 11)),
    *((32, 11), (80, 33), (18, 11), (15, 11), (64, 33), (160, 99), (4, 3), (3, 2)),
    (2, 1),
)
OWN_ASPECT = 255


class ParameterSet(NamedTuple):
    """What a sequence parameter set of H.264 says.

    Args:
        chroma_format: The standard's number of how chroma is stored.
        is_progressive: Whether no frame is coded as two fields.
        pixel_aspect: Width and height of a pixel; ``(0, 1)`` if it does not say.
    """

    chroma_format: int
    is_progressive: bool
    pixel_aspect: tuple[int, int]


class CodecHeaders:
    """Collects what the headers of one stream's packets say.

    Args:
        codec: FFmpeg's name of the decoder.
        extradata: The headers that the container stores apart from the packets.
    """

    def __init__(self, codec: str, extradata: bytes | None) -> None:
        self.codec = codec
        self.extradata = bytes(extradata or b"")
        self.sets: set[ParameterSet | None] = set()
        self.is_split = False
        # bytes of the length before each unit of H.264; 0 if start codes part them
        self._length_size = 0
        if codec == "h264":
            self._read_extradata()

    @property
    def frame_a_packet(self) -> bool:
        """Whether every packet seen so far holds exactly one frame.

        The two fields of an interlaced frame may be two packets, and a packet may hold
        two frames.
        """
        if self.codec == "h264":
            whole = all(one is not None and one.is_progressive for one in self.sets)
            return bool(self.sets) and whole
        return not self.is_split

    @property
    def pixel_aspect(self) -> tuple[int, int]:
        """Width and height of a pixel as H.264 says; ``(0, 1)`` if it does not."""
        said = {one.pixel_aspect for one in self.sets if one and one.pixel_aspect[0]}
        return said.pop() if len(said) == 1 else PIXEL_ASPECTS[0]

    def look(self, packet) -> None:
        """Reads the headers of a packet."""
        if self.codec == "h264":
            if packet.is_keyframe:
                self._take_sets(self._units(bytes(packet), self._length_size))
        elif self.codec == "mpeg2video":
            data = bytes(packet)
            at = data.find(MPEG2_EXTENSION)
            while 0 <= at < len(data) - 6:
                if data[at + 4] >> 4 == MPEG2_PICTURE:
                    self.is_split |= data[at + 6] & 3 != MPEG2_FRAME
                    break
                at = data.find(MPEG2_EXTENSION, at + 4)
        elif self.codec == "mpeg4":
            self.is_split |= bytes(packet).count(MPEG4_FRAME) != 1

    def needs_first(self, packet) -> bool:
        """Whether other packets can only be decoded after the first one.

        Args:
            packet: The first packet of the stream.
        """
        data = bytes(packet)
        if self.codec == "h264":
            self.look(packet)
            found = X264.search(data)
            build = int(found[1]) if found else X264_YUV444
            chroma = any(one and one.chroma_format == YUV444 for one in self.sets)
            return build < (X264_YUV444 if chroma else X264_DIRECT)
        if self.codec == "mpeg4":
            in_packet = MPEG4_USER_DATA in data[:HEADER_BYTES]
            return in_packet and MPEG4_USER_DATA not in self.extradata
        return False

    def _read_extradata(self) -> None:
        data = self.extradata
        if data[:1] != b"\1" or len(data) < 7:
            self._take_sets(self._units(data, 0))
            return
        self._length_size = (data[4] & 3) + 1
        at = 6
        for _ in range(data[5] & 31):
            size = int.from_bytes(data[at : at + 2], "big")
            self._take_sets([data[at + 2 : at + 2 + size]])
            at += 2 + size

    def _take_sets(self, units) -> None:
        for unit in units:
            if unit and unit[0] & 31 == PARAMETER_SET:
                self.sets.add(parameter_set(unit))

    @staticmethod
    def _units(data: bytes, length_size: int) -> Iterator[bytes]:
        """The units of an H.264 packet: headers, and slices of the frame."""
        if not length_size:
            yield from data.split(START_CODE)[1:]
            return
        at = 0
        while at + length_size < len(data):
            size = int.from_bytes(data[at : at + length_size], "big")
            at += length_size
            yield data[at : at + size]
            at += size


def parameter_set(unit: bytes) -> ParameterSet | None:
    """Reads a sequence parameter set of H.264; None if it is not whole."""
    payload = unit[1:HEADER_BYTES].replace(b"\0\0\3", b"\0\0")
    bits = _Bits(payload[3:])
    try:
        return _parameter_set(payload[0], bits)
    except IndexError:
        return None


def _parameter_set(profile: int, bits: _Bits) -> ParameterSet:
    """Reads the fields in their order; most of them only to get past them."""
    bits.golomb()  # its number
    chroma_format = 1
    if profile in HIGH_PROFILES:
        chroma_format = bits.golomb()
        if chroma_format == YUV444:
            bits.read(1)
        bits.golomb(), bits.golomb(), bits.read(1)  # bit depths, lossless
        if bits.read(1):
            for index in range(12 if chroma_format == YUV444 else 8):
                if bits.read(1):
                    _skip_scaling_list(bits, 16 if index < 6 else 64)
    bits.golomb()
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.read(1), bits.golomb(), bits.golomb()
        for _ in range(bits.golomb()):
            bits.golomb()
    bits.golomb(), bits.read(1)  # reference frames, gaps
    bits.golomb(), bits.golomb()  # width, height
    is_progressive = bool(bits.read(1))
    bits.read(1 if is_progressive else 2)
    if bits.read(1):
        for _ in range(4):
            bits.golomb()  # what is cropped
    aspect = PIXEL_ASPECTS[0]
    if bits.read(1) and bits.read(1):
        number = bits.read(8)
        if number == OWN_ASPECT:
            aspect = bits.read(16), bits.read(16)
        elif number < len(PIXEL_ASPECTS):
            aspect = PIXEL_ASPECTS[number]
    return ParameterSet(chroma_format, is_progressive, aspect)


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            code = bits.golomb()
            change = (code + 1) // 2 if code & 1 else -(code // 2)
            following = (last + change) % 256
        last = following or last


class _Bits:
    """Reads bits from bytes; raises IndexError at their end."""

    def __init__(self, data: bytes) -> None:
        self.text = "".join(f"{byte:08b}" for byte in data)
        self.at = 0

    def read(self, count: int) -> int:
        end = self.at + count
        if end > len(self.text):
            raise IndexError("the end of a header")
        value = int(self.text[self.at : end], 2) if count else 0
        self.at = end
        return value

    def golomb(self) -> int:
        """A number in Exp-Golomb code."""
        zeros = 0
        while self.read(1) == 0:
            zeros += 1
        return (1 << zeros) - 1 + self.read(zeros)
