"""What holds for any input of the functions that look at untrusted content first."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mmstconv.media import MediaError
from mmstconv.media.pyav.sound import WEIGHTS, downmix, native_window
from mmstconv.media.trust.formats import (
    ASF,
    FIRST_BOXES,
    MAGIC,
    MXF,
    PROTOCOL,
    Container,
    identify,
    sniff,
)

MARKS = [
    *MAGIC,
    *(bytes(4) + box for box in sorted(FIRST_BOXES)),
    ASF,
    MXF,
    b"ID3\4\0\0",
]
MARKS += [b"RIFF\0\0\0\0AVI ", b"RIFF\0\0\0\0WAVE", b"FORM\0\0\0\0AIFF", b"FLV\1\5"]
MARKS += [b"\x1a\x45\xdf\xa3", b"\xff\xfb\x90\0", b"\xff\xf1\x50\x80"]
CONTENTS = st.binary(max_size=600) | st.builds(
    lambda mark, rest: mark + rest, st.sampled_from(MARKS), st.binary(max_size=600)
)
TEXT_STARTS = ("#!AMR", "RIFF", "FORM", "FLV", "RF64", "ID3", "OggS", "fLaC", "DKIF")
RATES = st.sampled_from([8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000])
RATES |= st.integers(1000, 200_000)


@given(CONTENTS)
@example(b"ID3")
@example(b"ID3\4\0\x10\x7f\x7f\x7f\x7f")
def test_any_content_is_told_or_refused(content):
    try:
        assert isinstance(identify(content), Container)
    except MediaError as error:
        assert error.reason


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1))
@example("#EXTM3U\n#EXT-X-VERSION:3\n")
@example("ffconcat version 1.0\n")
def test_text_is_no_media(text):
    """But for words that containers begin with; those hold bytes that text does not."""
    found = sniff(text.encode())
    boxes = text[4:8].encode() in FIRST_BOXES
    transport = set(text[::188]) == {"G"} or set(text[4::192]) == {"G"}
    assert found is None or text.startswith(TEXT_STARTS) or boxes or transport
    assert found is None or not found.guessable or text.startswith("RIFF")


@given(st.text("abcxyzABC019+.-", min_size=1, max_size=9), st.sampled_from(":,"))
def test_addresses_are_seen(name, mark):
    assert PROTOCOL.match(f"p{name}{mark}//host/a.mp4")


@given(
    start=st.floats(-10, 1e6),
    length=st.integers(0, 200_000),
    rate=RATES,
    target=RATES,
    margin=st.floats(0.01, 0.2),
)
def test_native_window_covers_the_window(start, length, rate, target, margin):
    begin, end, drop = native_window(start, length, rate, target, margin)
    assert drop >= 0 and end >= begin
    # What the resampler makes of the cut holds the window ...
    assert math.ceil((end - begin) * target / rate) >= drop + length
    # ... and its start lies where it should, to within a sample of the slower rate.
    first = round(start * target)
    assert abs(begin / rate - (first - drop) / target) <= 1 / min(rate, target)


SAMPLES = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 9), st.integers(0, 50)),
    elements=st.floats(-1, 1, width=32),
)


@given(SAMPLES, st.lists(st.sampled_from([*WEIGHTS, "FL", "FR", "?"]), max_size=9))
def test_downmix_never_grows_a_peak(samples, channels):
    mixed = downmix(samples, channels)
    assert mixed.shape == samples.shape[1:] and mixed.dtype == np.float32
    assert np.isfinite(mixed).all()
    peak = np.abs(samples).max(initial=0)
    assert np.abs(mixed).max(initial=0) <= peak * (1 + 1e-6)
