"""What is refused, and that no decoder sees it."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
from helpers_media import id3_tag, write_coded

from mmstconv.media import (
    MediaError,
    UnreadableMediaError,
    UntrustedMediaError,
    open_media,
    write_media,
)
from mmstconv.media.containers import identify


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
    try:
        import decord
    except ImportError:
        return
    monkeypatch.setattr(decord, "VideoReader", refuse)
    monkeypatch.setattr(decord, "AudioReader", refuse)


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
    "text": b"this is no video\n" * 50,
    "address list": b"http://example.org/video.mp4\n",
    "image": b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
    "script": b"#!/bin/sh\nexit 0\n",
    "half a magic number": b"\0\0\0",
    "text with transport sync": b"G" + b"a" * 187 + b"G" + b"b" * 40,
}


@pytest.mark.parametrize("name", list(HOSTILE))
@pytest.mark.parametrize("suffix", [".mp4", ".ts", ".m3u8"])
def test_refused(tmp_path, reader, no_decoder, name, suffix):
    path = tmp_path / f"clip{suffix}"
    path.write_bytes(HOSTILE[name])
    with pytest.raises(UntrustedMediaError, match="clip") as caught:
        open_media(path, reader)
    assert caught.value.path == str(path)
    assert isinstance(pickle.loads(pickle.dumps(caught.value)), UntrustedMediaError)


def test_playlist_of_a_real_video(tmp_path, reader, no_decoder):
    """The playlist would work: the video it names exists."""
    write_coded_bypassing = tmp_path / "secret.ts"
    write_coded_bypassing.write_bytes(b"G" + b"\0" * 187)
    path = tmp_path / "clip.mp4"
    path.write_bytes(playlist(write_coded_bypassing))
    with pytest.raises(UntrustedMediaError):
        open_media(path, reader)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:9/a.mp4",
        "https://example.org/a.mp4",
        "rtsp://example.org/a",
        "concat:a.mp4|b.mp4",
        "subfile,,start,0,end,9,,:a.mp4",
        "file:///etc/hostname",
        "data:text/plain;base64,AAAA",
        "pipe:0",
    ],
)
def test_addresses(reader, no_decoder, address):
    with pytest.raises(UntrustedMediaError, match="addresses are not read"):
        open_media(address, reader)


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


@pytest.mark.parametrize(
    ("name", "demuxer", "codecs"),
    [
        ("a.mp4", "mov", ("libx264", "aac")),
        ("a.mov", "mov", ("libx264", "aac")),
        ("a.mkv", "matroska", ("libx264", "aac")),
        ("a.webm", "matroska", ("libvpx-vp9", "libopus")),
        ("a.avi", "avi", ("mpeg4", "libmp3lame")),
        ("a.ts", "mpegts", ("libx264", "aac")),
        ("a.mpg", "mpeg", ("mpeg2video", "mp2")),
        ("a.flv", "flv", ("libx264", "aac")),
        ("a.wmv", "asf", ("wmv2", "libmp3lame")),
        ("a.ogg", "ogg", (None, "libopus")),
        ("a.m4a", "mov", (None, "aac")),
        ("a.wav", "wav", (None, "pcm_s16le")),
        ("a.mp3", "mp3", (None, "libmp3lame")),
        ("a.flac", "flac", (None, "flac")),
    ],
)
def test_allowed(tmp_path, name, demuxer, codecs):
    video, audio = codecs
    sound = dict(
        waveform=np.zeros((1, 24000), np.float32),
        sample_rate=44100 if name.endswith(("flv", "wmv")) else 48000,
        audio_codec=audio,
    )
    if video:
        path = write_coded(tmp_path / name, 12, video_codec=video, **sound)
    else:
        path = write_media(tmp_path / name, **sound)
    assert identify(path).demuxer == demuxer
    # The name does not matter, and neither do characters that FFmpeg gives a meaning.
    odd = path.rename(tmp_path / "concat:%03d é'{}*.xyz")
    with open_media(odd) as media:
        assert (media.has_video, media.has_audio) == (video is not None, True)


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
