"""Files of servers: the same frames as of files here, in ranges, in spite of faults."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from helpers_media import numbers, write_coded
from helpers_remote import http_site

from mmstconv.media import FetchError, FileSource, MediaError, open_media
from mmstconv.media.remote import Store, fetch, fetching, store
from mmstconv.media.trust.sources import part_of_file

pytest.importorskip("aiohttp")
SECRETS = ("sEcReT", "hunter2")


@pytest.fixture(autouse=True)
def no_waits(monkeypatch):
    monkeypatch.setattr(store, "FIRST_WAIT", 0.001)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    sound = dict(waveform=np.zeros(16000, np.float32), sample_rate=16000)
    return write_coded(tmp_path_factory.mktemp("clip") / "a.mp4", 50, **sound)


@pytest.fixture
def site(clip):
    with http_site() as site:
        site.files["/a.mp4"] = clip.read_bytes()
        yield site


def patient(**options) -> Store:
    return Store({}, **{"timeout": 5.0, "retries": 3, **options})


def read(source) -> list[int]:
    with open_media(source) as media:
        assert media.waveform(0, 1, 16000).shape == (16000,)
        assert not media.damage
        return numbers(media.frames_at(np.arange(50) / 25))


def test_a_small_file_comes_in_two_requests(site):
    source = fetch(site.url + "a.mp4", patient())
    assert read(source) == list(range(50))
    assert [method for method, _, _ in site.asked] == ["HEAD", "GET"]
    assert source.name == site.url + "a.mp4"


def test_a_window_of_a_long_file_does_not_fetch_all_of_it(site, clip, monkeypatch):
    """The film is put behind 40 MB that nobody asks for, inside of the container."""
    monkeypatch.setattr(fetching, "BLOCK", 16 << 10)
    content = clip.read_bytes()
    padding = (40 << 20).to_bytes(4, "big") + b"free" + bytes((40 << 20) - 8)
    site.files["/long.mp4"] = content + padding
    with open_media(fetch(site.url + "long.mp4", patient())) as media:
        assert numbers(media.frames_at([0.4])) == [10]
    assert site.sent < len(content) + (1 << 20)
    assert all(asked for method, _, asked in site.asked if method == "GET")


def test_reading_on_takes_few_requests_and_little_memory(site, monkeypatch):
    monkeypatch.setattr(fetching, "KEPT", 16)
    content = np.random.default_rng(0).bytes(20 << 20)
    site.files["/x"] = content
    source = fetch(site.url + "x", patient())
    with source.open() as one, source.open() as other:
        assert b"".join(iter(lambda: one.read(100_000), b"")) == content
        assert len(site.asked) < 15  # of 80 blocks
        assert one.seek(-5, 2) == len(content) - 5 and one.read() == content[-5:]
        assert one.read(9) == b""
        other.seek(7_000_001)
        assert other.read(3) == content[7_000_001:7_000_004]
        with pytest.raises(ValueError, match="negative"):
            other.seek(-1)


def test_faults_that_pass_are_waited_for(site):
    """Of the question for the size and of the bytes: refused, cut off, silent."""
    for fault in ("status:503", "status:429", "cut:100", "stall"):
        for place in range(2):
            site.asked.clear()
            site.faults = ["fine"] * place + [fault]
            if (fault, place) == ("cut:100", 0):  # a HEAD has no body
                continue
            source = fetch(site.url + "a.mp4", patient(timeout=0.5))
            assert read(source) == list(range(50)), fault
            assert len(site.asked) > 2 and not site.faults, fault


def test_faults_that_stay_are_an_error_with_the_name(site):
    url = f"http://{SECRETS[0]}:x@127.0.0.1:{site.url.split(':')[2]}a.mp4"
    url += f"?X-Amz-Signature={SECRETS[1]}"
    faults = {
        "status:503": "status 503, 3 times",
        "status:403": "status 403$",
        "stall": "no answer in time, 3 times",
        "cut:100": "cannot be fetched: .*, 3 times",
    }
    site.always = True
    wrong = []
    for fault, said in faults.items():
        site.faults = ["fine", fault] if fault == "cut:100" else [fault]
        with pytest.raises(FetchError, match=said) as caught:
            fetch(url, patient(timeout=0.3, retries=2))
        text = f"{caught.getrepr(style='long')} {caught.value.path}"
        wrong += [(fault, secret) for secret in SECRETS if secret in str(caught.value)]
        wrong += [(fault, text)] if caught.value.path != site.url + "a.mp4" else []
    assert not wrong
    with pytest.raises(FileNotFoundError, match=r"not found: http://127.*/none.mp4$"):
        fetch(site.url + "none.mp4", patient())
    with pytest.raises(FetchError, match="cannot be fetched"):
        fetch("http://127.0.0.1:9/a.mp4", patient(retries=0))
    with pytest.raises(FetchError, match=r"Protocol not known: petrel$"):
        fetch("petrel://bucket/a.mp4", patient())
    if importlib.util.find_spec("gcsfs") is None:
        with pytest.raises(FetchError, match=r"(?i)gcsfs.*; pip install"):
            fetch("gs://bucket/a.mp4", patient())


def test_a_server_that_fails_in_the_middle_of_a_file(site, clip, monkeypatch):
    """Is an error, not a film that ends early."""
    monkeypatch.setattr(fetching, "WHOLE_BYTES", 0)
    monkeypatch.setattr(fetching, "BLOCK", 1 << 10)
    monkeypatch.setattr(fetching, "KEPT", 4)

    def read_all() -> None:
        with open_media(fetch(site.url + "a.mp4", patient(retries=0))) as media:
            media.frames_at(np.arange(50) / 25)
            media.waveform(0, 1, 16000)

    read_all()
    count, silent = len(site.asked), []
    site.always = True
    for after in range(1, count):
        site.faults = ["fine"] * after + ["status:500"]
        try:
            read_all()
            silent.append(after)
        except FetchError as error:
            assert "status 500" in str(error)
    assert count > 6 and not silent, (count, silent)


def test_what_is_fetched_is_identified_before_a_decoder_sees_it(site):
    site.files |= {"/list.mp4": b"#EXTM3U\nhttp://127.0.0.1/b.ts\n", "/none.mp4": b""}
    for name in ("list.mp4", "none.mp4"):
        with pytest.raises(MediaError, match=f"^{site.url}{name}: "):
            open_media(fetch(site.url + name, patient()))
    with pytest.raises(MediaError, match="addresses are not read"):
        open_media(site.url + "a.mp4")


def test_a_file_within_another_one(site, clip, tmp_path):
    content = clip.read_bytes()
    whole = b"x" * 1000 + content + b"y" * 5000
    (tmp_path / "all").write_bytes(whole)
    site.files["/all"] = whole
    span = (1000, len(content))
    for source in (
        part_of_file(str(tmp_path / "all"), *span, "all/a.mp4"),
        fetch(site.url + "all", patient(), span, "all/a.mp4"),
    ):
        assert isinstance(source, FileSource) and source.name == "all/a.mp4"
        assert read(source) == list(range(50))
        with source.open() as file:
            assert file.read() == content and file.read(1) == b""
            file.seek(-3, 2)
            assert file.read(99) == content[-3:]


@pytest.mark.parametrize("reader", ["pyav", "decord"])
def test_other_places_and_readers(clip, reader):
    import fsspec

    fsspec.filesystem("memory").pipe("/clips/a.mp4", clip.read_bytes())
    for url in ("memory://clips/a.mp4", clip.as_uri()):
        with open_media(fetch(url, patient()), reader) as media:
            assert numbers(media.frames_at([0.4, 1.0])) == [10, 25]
            assert media.__deepcopy__({}).frames_at([0.4])[0].shape == (96, 128, 3)
