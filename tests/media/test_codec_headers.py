"""What a stream's own headers tell, and what depends on it."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest
from helpers_streams import encode, fields

from mmstconv.media import open_media
from mmstconv.media.pyav.frame_decoder import FrameDecoder
from mmstconv.media.structure.codec_headers import CodecHeaders, parameter_set


def headers_of(content: bytes) -> CodecHeaders:
    with av.open(io.BytesIO(content)) as media:
        context = media.streams.video[0].codec_context
        headers = CodecHeaders(context.name, context.extradata)
        for packet in media.demux(video=0):
            if packet.size:
                headers.look(packet)
    return headers


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "flv", "avi"])
def test_field_coding_is_seen(suffix):
    """With start codes between the units of H.264 and with their lengths in front."""
    options = {"bf": "2"}
    assert headers_of(encode(suffix, options=options)).frame_a_packet
    assert not headers_of(fields(suffix)).frame_a_packet
    crossed = {"flags": "+ildct", "x264-params": "tff=1"}
    assert not headers_of(encode(suffix, options=crossed)).frame_a_packet


@pytest.mark.parametrize("profile", ["baseline", "high", "high444"])
def test_parameter_sets_of_every_profile(profile):
    for more in ({}, {"x264-params": "cqm=jvt"}):  # with scaling lists
        content = encode("mp4", options={"profile": profile, **more}, count=3)
        assert headers_of(content).frame_a_packet


def test_anything_may_stand_in_a_header():
    rng = np.random.default_rng(0)
    for size in (0, 1, 4, 20, 400):
        for _ in range(20):
            junk = rng.integers(0, 256, size, np.uint8).tobytes()
            parameter_set(b"\x67" + junk)
            CodecHeaders("h264", b"\1" + junk)
            CodecHeaders("h264", junk)


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [("libx264", "mp4"), ("libx264", "ts"), ("mpeg4", "mp4"), ("mpeg2video", "mkv")],
)
def test_unwanted_frames_are_not_decoded(monkeypatch, codec, suffix):
    """Ordinary files: frames that no other refers to are left out."""
    options = {"bf": "3", "b_strategy": "0"}
    if codec == "libx264":
        options = {"bf": "3", "x264-params": "b-adapt=0:scenecut=0"}
    content = encode(suffix, codec, options=options, count=60, gop_size=60)
    decoded = []
    decode = FrameDecoder.decode

    def count(self, packet):
        frames = decode(self, packet)
        decoded.extend(frames or ())
        return frames

    monkeypatch.setattr(FrameDecoder, "decode", count)
    with open_media(content) as media:
        start, _ = media.extent
        decoded.clear()
        media.frames_at([start + 1.7])
    assert len(decoded) < 35  # of the 43 up to there


def test_first_packet_is_decoded_where_others_need_it(monkeypatch):
    """Old x264 coded 4:4:4 in its own way, and says so in the first packet only."""
    decoded = []
    decode = FrameDecoder.decode

    def note(self, packet):
        decoded.append(packet and packet.pts)
        return decode(self, packet)

    monkeypatch.setattr(FrameDecoder, "decode", note)
    for pixels, build, needed in (
        ("yuv444p", b"142", True),
        ("yuv444p", b"152", False),
        ("yuv420p", b"142", False),
        ("yuv420p", b"033", True),  # B-frames were coded otherwise
    ):
        content = encode("mp4", options={"bf": "0"}, pixels=pixels)
        start = content.index(b"x264 - core ") + len(b"x264 - core ")
        content = content[:start] + build + content[start + 3 :]
        decoded.clear()
        with open_media(content) as media:
            media.frames_at([1.3])
        assert (decoded[0] == 0) == needed, (pixels, build)
