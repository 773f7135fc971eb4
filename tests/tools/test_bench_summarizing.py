"""The benchmark of summaries, on tiny settings."""

from __future__ import annotations

import pytest
from conftest import load_script
from tools.test_bench_long_video import FOLDER, media, printed  # noqa: F401


@pytest.mark.slow
def test_summarizing(media, monkeypatch, capsys):  # noqa: F811
    bench = load_script(f"{FOLDER}/summarizing.py")
    tiny = media.Clip("tiny.mp4", 64, 48, fps=12, seconds=10.0)
    settings = dict(CLIP=tiny, SMALL=tiny, ROUNDS=2, SECONDS=10, HOUR=60, STEPS=300)
    for name, value in settings.items():
        monkeypatch.setattr(bench, name, value)
    monkeypatch.setattr(bench, "MINUTES", (0.2, 0.4))
    path = media.looped(tiny, 8)
    results = [bench.memory(), bench.head_of_an_hour(), bench.cuts_of_an_hour()]
    results += bench.compare("tiny", bench.rating_model(32, 8), path, 2)
    results = printed(capsys, results)
    assert [one["row"] for one in results] == ["19"] * 5
    assert all(one["ratio"] >= 0 for one in results)
    shots, written = results[-2:]
    assert shots["ours"] > 0 and written["ours"] > 0
