"""No file makes a reader open another one, or the network; seen by the kernel."""

from __future__ import annotations

import shutil
from contextlib import suppress
from itertools import product
from pathlib import Path

import av
import numpy as np
import pytest
from helpers_culprits import culprits
from helpers_hostile import (
    Openings,
    Server,
    alias_entry,
    url_entry,
    with_data_reference,
    with_next_segment,
    with_script_command,
)
from helpers_media import id3_tag, numbers, write_coded

from mmstconv.media import MediaError, open_media

COUNT = 10
TITLE = b"t" * 100
SOUND = dict(waveform=np.zeros(17640, np.float32), sample_rate=44100)


@pytest.fixture(params=["pyav", "decord", "bytes"])
def read(request):
    """Reads all of a file: the frames, unless it is refused."""
    reader = "decord" if request.param == "decord" else "pyav"
    if reader == "decord":
        pytest.importorskip("decord")

    def read(path) -> list:
        source = path.read_bytes() if request.param == "bytes" else path
        with open_media(source, reader, timeout=20) as media:
            assert media.info.has_video
            media.waveform(0, 1, 16000)
            return media.frames_at(np.arange(COUNT) / 25)

    return read


@pytest.fixture
def secret(tmp_path):
    """A video in a folder of its own that nobody asks for."""
    (tmp_path / "secret").mkdir()
    return write_coded(tmp_path / "secret" / "other.mp4", COUNT)


@pytest.fixture
def openings(secret):
    watcher = Openings(secret.parent)
    yield watcher
    watcher.close()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


def decode(source: str, **options: str) -> None:
    """Reads a file as FFmpeg does by itself; whether it can be read does not matter."""
    with suppress(av.FFmpegError):
        with av.open(source, options=options, timeout=5) as container:
            list(container.decode(video=0))


@pytest.mark.parametrize("kind", ["alias", "url"])
def test_data_reference_to_a_file(tmp_path, secret, openings, read, kind):
    """An mp4 whose samples are said to lie in another file."""
    path = write_coded(tmp_path / "clip.mp4", COUNT)
    entry = alias_entry(secret) if kind == "alias" else url_entry(f"file:{secret}")
    path.write_bytes(with_data_reference(path.read_bytes(), entry))
    if kind == "alias":  # FFmpeg would follow it if asked to: the file is real
        decode(str(path), enable_drefs="1", use_absolute_path="1")
        assert openings.names() == {"other.mp4"}
    with suppress(MediaError):
        read(path)
    assert openings.names() == set()


def test_data_reference_beside_the_file(tmp_path, secret, read):
    """The same by a relative path, which FFmpeg deems less dangerous."""
    (tmp_path / "public").mkdir()
    path = write_coded(tmp_path / "public" / "clip.mp4", COUNT)
    beside = Path(shutil.copy(secret, path.parent / "other.mp4"))
    entry = alias_entry(beside, levels=1)
    path.write_bytes(with_data_reference(path.read_bytes(), entry))
    watcher = Openings(path.parent)
    decode(str(path), enable_drefs="1")
    assert watcher.names() == {"clip.mp4", "other.mp4"}
    with suppress(MediaError):
        read(path)
    assert watcher.names() == {"clip.mp4"}
    watcher.close()


def test_playlist_of_a_file(tmp_path, secret, openings, read):
    segment = secret.with_suffix(".ts")
    write_coded(segment, COUNT)
    path = tmp_path / "clip.mp4"
    path.write_text(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:1,\n"
        f"{segment}\n#EXT-X-ENDLIST\n"
    )
    openings.names()
    with av.open(str(path), format="hls"):
        assert "other.ts" in openings.names()
    with pytest.raises(MediaError):
        read(path)
    assert openings.names() == set()


STARTS = [
    b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
    b"\0\0\0\x08free",
    b"\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska",
    b"RIFF\xff\xff\0\0AVI ",
    b"RIFF\xff\xff\0\0WAVE",
    b"FLV\x01\x05\0\0\0\x09",
    b"OggS\0",
    b"fLaC",
    b"\0\0\x01\xba",
    b"\xff\xfb\x90\0",
    id3_tag(b"\0" * 100) + b"\xff\xfb\x90\0",
]


def test_playlist_behind_the_start_of_a_video(tmp_path, secret, openings, server, read):
    """It is taken for the container that it starts like, and broken."""
    path = tmp_path / "clip.mp4"

    def check(start: bytes, target: object) -> None:
        playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{target}\n"
        path.write_bytes(start + b"\n" + playlist.encode())
        with pytest.raises(MediaError):
            read(path)
        assert openings.names() == set()
        assert server.connections() == 0

    targets = (secret, f"http://127.0.0.1:{server.port}/a.ts")
    assert culprits(check, product(STARTS, targets)) == []


def test_concat_script_of_a_file(tmp_path, secret, openings, read):
    path = tmp_path / "clip.mp4"
    path.write_text(f"ffconcat version 1.0\nfile '{secret}'\n")
    decode(str(path), safe="0")
    assert openings.names() == {"other.mp4"}
    with pytest.raises(MediaError):
        read(path)
    assert openings.names() == set()


def test_the_server_sees_who_connects(tmp_path, server):
    assert server.connections() == 0
    decode(f"http://127.0.0.1:{server.port}/a.mp4")
    assert server.connections() > 0


def test_addresses_within_mp4(tmp_path, server, read):
    path = write_coded(tmp_path / "clip.mp4", COUNT)
    entry = url_entry(f"http://127.0.0.1:{server.port}/a.mp4")
    path.write_bytes(with_data_reference(path.read_bytes(), entry))
    with suppress(MediaError):
        read(path)
    assert server.connections() == 0


def test_segment_that_follows_in_matroska(tmp_path, secret, openings, server, read):
    """A title turned into the name of the segment that follows."""
    source = write_coded(tmp_path / "source.mkv", COUNT, **SOUND)
    for name in (str(secret), f"http://127.0.0.1:{server.port}/a.mkv"):
        path = tmp_path / "clip.mkv"
        _remux(source, path, TITLE.decode())
        path.write_bytes(with_next_segment(path.read_bytes(), TITLE, name))
        assert numbers(read(path)) == list(range(COUNT))
    assert openings.names() == set()
    assert server.connections() == 0


def test_script_command_in_asf(tmp_path, server, read):
    path = write_coded(tmp_path / "clip.wmv", COUNT, video_codec="wmv2", **SOUND)
    address = f"http://127.0.0.1:{server.port}/a.wmv"
    whole = numbers(read(path))
    path.write_bytes(with_script_command(path.read_bytes(), address))
    assert numbers(read(path)) == whole
    assert server.connections() == 0


def _remux(source, path, title: str) -> None:
    with av.open(str(source)) as before, av.open(str(path), "w") as after:
        after.metadata["title"] = title
        streams = {s.index: after.add_stream_from_template(s) for s in before.streams}
        for packet in before.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                after.mux(packet)
