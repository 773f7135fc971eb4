"""What is refused, and that no decoder sees it."""

from __future__ import annotations

import os
import pickle
import struct
from itertools import product

import numpy as np
import pytest
from helpers_culprits import culprits
from helpers_media import id3_tag, write_coded

from mmstconv.media import (
    MediaError,
    MediaLimits,
    SoundCoding,
    UnreadableMediaError,
    UntrustedMediaError,
    open_media,
    write_media,
)
from mmstconv.media.decord.process import DecordProcess
from mmstconv.media.pyav.packet_source import Source
from mmstconv.media.trust.formats import identify
from mmstconv.media.trust.sources import IN_MEMORY


@pytest.fixture(params=["pyav", "decord"])
def reader(request):
    if request.param == "decord":
        pytest.importorskip("decord")
    return request.param


@pytest.fixture
def no_decoder(monkeypatch):
    """Fails the test if a file reaches FFmpeg through either library."""
    import av

    def refuse(*args, **kwargs):
        pytest.fail("a decoder was asked to open the file")

    monkeypatch.setattr(av, "open", refuse)
    monkeypatch.setattr(DecordProcess, "_ask", refuse)


def playlist(target) -> bytes:
    return (
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n"
        f"{target}\n#EXT-X-ENDLIST\n"
    ).encode()


HOSTILE = {
    "playlist": playlist("/etc/hostname"),
    "playlist after white space": b"\n\n" + playlist("secret.ts"),
    "playlist after a byte order mark": b"\xef\xbb\xbf" + playlist("secret.ts"),
    "playlist behind an ID3 tag": id3_tag() + playlist("secret.ts"),
    "playlist behind a padded ID3 tag": id3_tag(b"\0" * 300) + playlist("secret.ts"),
    "playlist behind two ID3 tags": id3_tag() + id3_tag() + playlist("secret.ts"),
    "concat list": b"ffconcat version 1.0\nfile 'secret.mp4'\n",
    "concat list behind an ID3 tag": id3_tag() + b"ffconcat version 1.0\nfile 'a'\n",
    "session description": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\n",
    "DASH manifest": b"<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema'/>",
    "smooth streaming manifest": b"<SmoothStreamingMedia MajorVersion='2'/>",
    "ASF reference": b"[Reference]\r\nRef1=http://127.0.0.1/a.wmv\r\n",
    "Windows playlist": b"<asx version='3'><ref href='http://127.0.0.1/a'/></asx>",
    "FFmpeg metadata": b";FFMETADATA1\ntitle=a\n",
    "text": b"this is no video\n" * 50,
    "address list": b"http://example.org/video.mp4\n",
    "image": b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
    "JPEG image": b"\xff\xd8\xff\xe0\0\x10JFIF\0" + b"\0" * 100,
    "script": b"#!/bin/sh\nexit 0\n",
    "half a magic number": b"\0\0\0",
    "text with transport sync": b"G" + b"a" * 187 + b"G" + b"b" * 40,
}


FILES = ["a.mp4", "a.ts", "a.m3u8", "a.ffconcat", "a.sdp", "a.mpd", "a%03d.png", "a"]


def test_refused(tmp_path, reader, no_decoder):
    """Every hostile content under every name."""

    def check(name: str, file: str) -> None:
        path = tmp_path / file
        path.write_bytes(HOSTILE[name])
        with pytest.raises(UntrustedMediaError, match="does not start like") as caught:
            open_media(path, reader)
        assert caught.value.path == str(path)
        assert isinstance(pickle.loads(pickle.dumps(caught.value)), UntrustedMediaError)

    assert culprits(check, product(HOSTILE, FILES)) == []


def test_refused_in_memory(reader, no_decoder):
    def check(name: str) -> None:
        with pytest.raises(UntrustedMediaError, match="does not start like") as caught:
            open_media(HOSTILE[name], reader)
        assert caught.value.path == IN_MEMORY

    assert culprits(check, product(HOSTILE)) == []


def test_a_decoder_would_be_seen(tmp_path, reader, no_decoder):
    """What the two tests above rely on: a file that is allowed reaches a decoder."""
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom")
    (found,) = culprits(open_media, [(path, reader)])
    assert "a decoder was asked to open the file" in found


def test_names_are_no_content(reader, no_decoder):
    """Bytes are a file's content, never its name."""
    with pytest.raises(UntrustedMediaError):
        open_media(b"/etc/hostname", reader)
    with pytest.raises(UnreadableMediaError, match="is empty"):
        open_media(b"", reader)


ADDRESSES = [
    "http://127.0.0.1:9/a.mp4",
    "https://example.org/a.mp4",
    "rtsp://example.org/a",
    "concat:a.mp4|b.mp4",
    "subfile,,start,0,end,9,,:a.mp4",
    "concatf:list.txt",
    "crypto:a.mp4",
    "async:http://127.0.0.1/a.mp4",
    "file:///etc/hostname",
    "data:text/plain;base64,AAAA",
    "pipe:0",
]


def test_addresses(reader, no_decoder):
    def check(address: str) -> None:
        with pytest.raises(UntrustedMediaError, match="addresses are not read"):
            open_media(address, reader)

    assert culprits(check, product(ADDRESSES)) == []


def test_not_files(tmp_path, reader, no_decoder):
    with pytest.raises(UntrustedMediaError, match="is a directory"):
        open_media(tmp_path, reader)
    os.mkfifo(tmp_path / "fifo.mp4")
    for path in (tmp_path / "fifo.mp4", "/dev/zero"):
        with pytest.raises(UntrustedMediaError, match="not a regular file"):
            open_media(path, reader)
    with pytest.raises(FileNotFoundError, match=r"no_such\.mp4"):
        open_media(tmp_path / "no_such.mp4", reader)
    with pytest.raises(UntrustedMediaError):
        open_media("a\0b.mp4", reader)
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(UnreadableMediaError, match="is empty"):
        open_media(tmp_path / "empty.mp4", reader)


def test_unknown_reader(tmp_path):
    with pytest.raises(ValueError, match=r"reader must be one of .*got 'opencv'"):
        open_media(tmp_path / "a.mp4", "opencv")


ALLOWED = [  # name, FFmpeg's name of the container, codecs
    ("a.mp4", "mov", "libx264", "aac"),
    ("a.mov", "mov", "libx264", "aac"),
    ("a.mkv", "matroska", "libx264", "aac"),
    ("a.webm", "matroska", "libvpx-vp9", "libopus"),
    ("a.avi", "avi", "mpeg4", "libmp3lame"),
    ("a.ts", "mpegts", "libx264", "aac"),
    ("a.mpg", "mpeg", "mpeg2video", "mp2"),
    ("a.flv", "flv", "libx264", "aac"),
    ("a.wmv", "asf", "wmv2", "libmp3lame"),
    ("a.ogg", "ogg", None, "libopus"),
    ("a.m4a", "mov", None, "aac"),
    ("a.wav", "wav", None, "pcm_s16le"),
    ("a.mp3", "mp3", None, "libmp3lame"),
    ("a.flac", "flac", None, "flac"),
]


def test_allowed(tmp_path):
    def check(name: str, demuxer: str, video: str | None, audio: str) -> None:
        sound = dict(
            waveform=np.zeros((1, 24000), np.float32),
            sample_rate=44100 if name.endswith(("flv", "wmv")) else 48000,
        )
        if video:
            codecs = dict(video_codec=video, audio_codec=audio)
            path = write_coded(tmp_path / name, 12, **codecs, **sound)
        else:
            path = write_media(tmp_path / name, sound=SoundCoding(codec=audio), **sound)
        assert identify(path).demuxer == demuxer
        # Neither the name matters nor characters that FFmpeg gives a meaning.
        odd = path.rename(tmp_path / "concat:%03d é'{}*.xyz")
        for source in (odd, odd.read_bytes()):
            with open_media(source) as media:
                assert (media.has_video, media.has_audio) == (video is not None, True)

    assert culprits(check, ALLOWED) == []


def test_files_named_like_addresses(tmp_path, monkeypatch, reader):
    """A file that exists is that file, also by a relative path."""
    monkeypatch.chdir(tmp_path)

    def check(name: str) -> None:
        write_coded(tmp_path / "a.mp4", 3).rename(tmp_path / name)
        with open_media(name, reader) as media:
            assert len(media.frames_at([0.0])) == 1

    names = ["http:a.mp4", "subfile,a.mp4", "file:a.mp4", "%d"]
    assert culprits(check, product(names)) == []


def test_in_memory_as_by_path(tmp_path, reader):
    sound = dict(waveform=np.zeros(16000, np.float32), sample_rate=16000)
    path = write_coded(tmp_path / "a.mkv", 30, **sound)
    with open_media(path) as media, open_media(path.read_bytes(), reader) as copy:
        assert (copy.extent, copy.damage) == (media.extent, ())
        times = [0.9, 0.1, 0.5]
        for frame, other in zip(media.frames_at(times), copy.frames_at(times)):
            assert np.array_equal(frame, other)
        found, other = (m.waveform(0.2, 0.7, 8000) for m in (media, copy))
        assert np.array_equal(found, other)


def test_damaged_header(tmp_path, reader):
    path = write_coded(tmp_path / "a.mp4", 12)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 3])
    with pytest.raises(MediaError, match=r"a\.mp4: cannot be opened as mov") as caught:
        open_media(path, reader)
    assert isinstance(caught.value, UnreadableMediaError)


def test_damaged_packets(tmp_path):
    """What can be decoded is returned; nothing decodable is an error."""
    path = write_coded(tmp_path / "a.mkv", 60, gop_size=10)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 300] = os.urandom(300)
    path.write_bytes(content)
    with open_media(path) as media:
        assert len(media.frames_at(np.arange(60) / 25)) == 60


def test_unknown_codec(tmp_path):
    sound = dict(waveform=np.zeros(16000, np.float32), sample_rate=16000)
    path = write_coded(tmp_path / "a.mp4", 5, **sound)
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))
    with pytest.raises(UnreadableMediaError, match="of a codec that FFmpeg lacks"):
        open_media(path)


def test_first_box_larger_than_the_file(tmp_path):
    """FFmpeg then seeks to before the beginning of what is left to it."""
    path = write_coded(tmp_path / "a.mp4", 5)
    content = b"\0\1\0\0" + path.read_bytes()[4:]
    path.write_bytes(content)
    for source in (path, content):
        with pytest.raises(UnreadableMediaError, match="cannot be opened as mov"):
            open_media(source)


def test_stream_that_begins_late(tmp_path):
    """Sound in an FLV file after minutes without: PyAV does not know its stream."""
    path = write_coded(tmp_path / "a.flv", 250, 2, width=32, height=16)
    tag = b"\x08\0\0\5\x01\xe8\x48\0\0\0\0" + b"\x2f\xff\xfb\x90\0"
    path.write_bytes(path.read_bytes() + tag + struct.pack(">I", len(tag)))
    source = Source(str(path), "flv", MediaLimits(), timeout=None)
    (stream,) = source.container.streams
    assert len(list(source.packets(stream))) == 250
    assert source.damage.report() == ("a stream that begins within it is not read",)
    source.close()


def test_unclosed_files_do_not_pile_up(tmp_path):
    path = write_coded(tmp_path / "a.mp4", 3)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        open_media(path).frames_at([0.0])
    assert len(os.listdir("/proc/self/fd")) <= before + 1


def test_relative_path(tmp_path, monkeypatch, reader):
    write_coded(tmp_path / "a.mp4", 3)
    monkeypatch.chdir(tmp_path)
    with open_media("a.mp4", reader) as media:
        assert len(media.frames_at([0.0])) == 1
