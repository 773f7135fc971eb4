"""The benchmark of events along a video, on tiny settings."""

from __future__ import annotations

import pytest
from conftest import load_script
from tools.test_bench_long_video import FOLDER, media, printed  # noqa: F401


def test_detecting(media, monkeypatch, capsys):  # noqa: F811
    bench = load_script(f"{FOLDER}/detecting.py")
    tiny = media.Clip("tiny.mp4", 64, 48, fps=12, seconds=10.0)
    for name, value in dict(CLIP=tiny, SMALL=tiny, ROUNDS=1, SECONDS=6).items():
        monkeypatch.setattr(bench, name, value)
    monkeypatch.setattr(bench, "MINUTES", (0.2, 0.4))
    results = printed(capsys, list(bench.measure()))
    assert [one["row"] for one in results] == ["18", "18"]
    assert all(one["ratio"] > 0 for one in results)


@pytest.mark.parametrize("size", [(32, 4)])
def test_both_sides_have_the_same_streams(media, size):  # noqa: F811
    bench = load_script(f"{FOLDER}/detecting.py")
    events, scores = bench.build_pair(*size)
    ours, peer = (dict(one.streams.named_parameters()) for one in (events, scores))
    assert ours.keys() == peer.keys()
    assert all(value.equal(peer[name]) for name, value in ours.items())
