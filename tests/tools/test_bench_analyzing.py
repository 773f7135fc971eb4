"""The benchmark of all tasks along a film, on tiny settings."""

from __future__ import annotations

from conftest import load_script
from tools.test_bench_long_video import FOLDER, media, printed  # noqa: F401


def test_analyzing(media, monkeypatch, capsys):  # noqa: F811
    bench = load_script(f"{FOLDER}/analyzing.py")
    tiny = media.Clip("tiny.mp4", 64, 48, fps=12, seconds=10.0)
    for name, value in dict(CLIP=tiny, ROUNDS=1, SECONDS=6).items():
        monkeypatch.setattr(bench, name, value)
    (found,) = printed(capsys, list(bench.measure()))
    assert found["row"] == "20" and found["ratio"] > 0
    assert " 0 events" not in found["note"] and " 0 words" not in found["note"]


def test_both_sides_have_the_same_streams(media):  # noqa: F811
    bench = load_script(f"{FOLDER}/analyzing.py")
    several, scores = bench.build_pair(32, 4)
    ours, peer = (dict(one.streams.named_parameters()) for one in (several, scores))
    assert ours.keys() == peer.keys()
    assert all(value.equal(peer[name]) for name, value in ours.items())
