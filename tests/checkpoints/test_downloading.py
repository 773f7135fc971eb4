"""Downloads from a server on this machine, with every fault that it can have."""

from __future__ import annotations

import hashlib
import json
import resource
import signal
import socket
import subprocess
from collections import namedtuple

import numpy as np
import pytest
from helpers_http import serving

from mmstconv.checkpoints import downloading
from mmstconv.checkpoints.downloading import DownloadError, check_digest, fetch
from mmstconv.disk import ForeignFile
from mmstconv.disk.own import RECORD

CONTENT = np.random.default_rng(0).bytes(700_000)
OTHER = np.random.default_rng(1).bytes(700_000)
SHA256 = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


@pytest.fixture
def site():
    with serving(CONTENT) as made:
        yield made


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def bring(site, path, digest=SHA256):
    fetch(f"{site.url}weights.pth", path, digest, wait=0)


def left(folder):
    return {one.name for one in folder.iterdir()}


def stop_after(site, path, count):
    """An earlier call that got so many bytes and was stopped."""
    site.faults = [f"cut:{count}", "status:404"]
    with pytest.raises(DownloadError, match="404"):
        bring(site, path)
    assert path.with_name("weights.pth.part").stat().st_size == count
    assert not path.exists()
    site.asked.clear()


def test_a_whole_file(site, tmp_path):
    path = tmp_path / "weights.pth"
    bring(site, path)
    assert path.read_bytes() == CONTENT and site.asked == [None]
    assert left(tmp_path) == {"weights.pth", RECORD}
    bring(site, path)  # its own file may be fetched again
    site.length = False  # whoever does not say how much comes, ends the connection
    bring(site, path)
    assert path.read_bytes() == CONTENT


def test_a_connection_that_breaks_is_taken_up_again(site, tmp_path):
    path = tmp_path / "weights.pth"
    site.faults = ["cut:1000", "status:503", "cut:300000"]
    bring(site, path)
    assert path.read_bytes() == CONTENT
    assert site.asked == [None, "bytes=1000-", "bytes=1000-", "bytes=301000-"]


def test_a_later_call_goes_on(site, tmp_path):
    path = tmp_path / "weights.pth"
    stop_after(site, path, 123_456)
    bring(site, path)
    assert path.read_bytes() == CONTENT and site.asked == ["bytes=123456-"]
    assert left(tmp_path) == {"weights.pth", RECORD}


@pytest.mark.parametrize(
    "server", ["asks", "does not ask", "has no tags", "has no ranges"]
)
def test_a_file_that_has_changed_is_not_spliced(site, tmp_path, server):
    """Told by If-Range, by the tag of the answer, or by the length."""
    path = tmp_path / "weights.pth"
    site.validators = server != "has no tags"
    stop_after(site, path, 5000)
    site.content = OTHER if site.validators else OTHER + b"longer"
    site.if_range = server == "asks"
    site.ranges = server != "has no ranges"
    bring(site, path, digest="")
    assert path.read_bytes() == site.content
    # a server that knows If-Range sends all of it at once
    known = server in ("asks", "has no ranges")
    assert site.asked == ["bytes=5000-"] + [None] * (not known)


def test_part_of_another_address_is_not_gone_on_with(site, tmp_path):
    path = tmp_path / "weights.pth"
    stop_after(site, path, 5000)
    fetch(f"{site.url}elsewhere.pth", path, SHA256, wait=0)
    assert site.asked == [None] and path.read_bytes() == CONTENT


def test_stopped_between_the_last_byte_and_the_name(site, tmp_path):
    path = tmp_path / "weights.pth"
    stop_after(site, path, 5000)
    path.with_name("weights.pth.part").write_bytes(CONTENT)
    bring(site, path)
    assert site.asked == [] and path.read_bytes() == CONTENT


def test_a_shorter_file_than_the_part(site, tmp_path):
    path = tmp_path / "weights.pth"
    stop_after(site, path, 5000)
    site.content, site.if_range = b"short", False
    bring(site, path, digest="")
    assert path.read_bytes() == b"short" and site.asked == ["bytes=5000-", None]


def test_a_server_that_breaks_each_time(site, tmp_path):
    path = tmp_path / "weights.pth"
    site.faults = ["cut:10"] + ["cut:0"] * 9
    with pytest.raises(DownloadError, match="10 bytes are kept, run it again to go on"):
        bring(site, path)
    assert 3 <= len(site.asked) <= 6


def test_what_is_not_the_file(site, tmp_path):
    path = tmp_path / "weights.pth"
    answers = {
        "page": r"answers with a page \(text/html\).*--from",
        "status:404": "404 Not Found; fetch it with a browser",
        "status:403": "403 Forbidden; .*--mirror",
        "status:407": "407 .*https_proxy",
    }
    for fault, message in answers.items():
        site.faults = [fault]
        with pytest.raises(DownloadError, match=message):
            bring(site, path)
        assert left(tmp_path) == set(), fault


def test_another_file_than_the_source_states(site, tmp_path):
    path = tmp_path / "weights.pth"
    with pytest.raises(DownloadError, match=r"its sha256 is .* the source states 0000"):
        bring(site, path, digest="sha256:00000000")
    assert left(tmp_path) == set()  # nothing that a later call would go on with


def test_digests(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    # git's own figure for it
    command = ["git", "hash-object", "--no-filters", str(path)]
    blob = subprocess.run(command, capture_output=True, text=True).stdout.strip()
    md5 = hashlib.md5(CONTENT).hexdigest()
    good = [SHA256, SHA256[: len("sha256:") + 8], f"md5:{md5}", ""]
    for digest in [*good, f"git:{blob}"] if blob else good:
        check_digest(path, digest, "it")
    for digest in ("sha256:12345678", "md5:12", f"git:{md5}"):
        with pytest.raises(DownloadError, match="it: its "):
            check_digest(path, digest, "it")


def test_files_of_the_user_stay(site, tmp_path):
    path = tmp_path / "weights.pth"
    path.write_text("mine")
    with pytest.raises(ForeignFile, match=r"weights\.pth is there"):
        bring(site, path)
    path.unlink()
    part = tmp_path / "weights.pth.part"
    part.write_text("mine")
    with pytest.raises(ForeignFile, match=r"weights\.pth\.part is there"):
        bring(site, path)
    assert part.read_text() == "mine" and site.asked == []


def test_no_room(site, tmp_path, monkeypatch):
    free = namedtuple("Usage", "free")(600_000)
    monkeypatch.setattr(downloading.shutil, "disk_usage", lambda folder: free)
    with pytest.raises(DownloadError, match=r"700000 bytes are to come, .* for 600000"):
        bring(site, tmp_path / "weights.pth")
    assert left(tmp_path) == set()


def test_a_disk_that_fills_up(site, tmp_path):
    path = tmp_path / "weights.pth"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, before[1]))
        with pytest.raises(
            DownloadError, match=r"pth cannot be written: File too larg"
        ):
            bring(site, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    bring(site, path)  # with room again
    assert path.read_bytes() == CONTENT
    assert int(site.asked[1].removeprefix("bytes=").rstrip("-")) > 100_000


def test_nobody_there(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/x"
        with pytest.raises(DownloadError, match=r"no connection .*https_proxy"):
            fetch(url, tmp_path / "x")
    with pytest.raises(DownloadError, match="file:///x: expected an address"):
        fetch("file:///x", tmp_path / "x")


def test_a_record_that_is_broken_means_to_begin_anew(site, tmp_path):
    path = tmp_path / "weights.pth"
    notes = tmp_path / "weights.pth.part.json"
    for text in ("", "[]", json.dumps(dict(url=1))):
        stop_after(site, path, 5000)
        notes.write_text(text)
        bring(site, path)
        assert site.asked == [None] and path.read_bytes() == CONTENT
        path.unlink()
