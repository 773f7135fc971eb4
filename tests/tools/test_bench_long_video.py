"""The benchmarks of long videos and of streams, on tiny settings."""

from __future__ import annotations

import json
import sys

import pytest
import torch
from conftest import ROOT, load_script

FOLDER = "tools/benchmarks"
sys.path.insert(0, str(ROOT / FOLDER))  # they import each other by plain name


@pytest.fixture
def media(tmp_path, monkeypatch):
    """Scripts with small settings that write their media into a folder of the test."""
    import bench_clips

    monkeypatch.setattr(bench_clips, "SAMPLE_RATE", 16000)
    monkeypatch.setattr(bench_clips, "FOLDER", tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield bench_clips
    torch.set_num_threads(threads)


def printed(capsys, results):
    import measuring

    measuring.report(results)
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_long_video(media, monkeypatch, capsys):
    bench = load_script(f"{FOLDER}/long_video.py")
    small = media.Clip("tiny.mp4", 64, 48, fps=12, seconds=10.0)
    monkeypatch.setattr(bench, "CLIP", small)
    monkeypatch.setattr(bench, "ROUNDS", 1)
    monkeypatch.setattr(bench, "BURST", 2)
    monkeypatch.setattr(bench, "MINUTES", (0.5, 1))
    monkeypatch.setattr(bench, "SMALL", small)
    line, *rest = printed(capsys, [bench.compare(), bench.memory()])
    assert (line["row"], line["goal"]) == ("12", 0.25) and line["ratio"] > 0
    assert rest[0]["unit"] == "MiB" and rest[0]["ours"] >= rest[0]["peer"]


def test_a_loop_is_the_clip_again(media, tmp_path):
    from mmstconv.media import open_media

    clip = media.Clip("loop.mp4", 64, 48, fps=10, seconds=2.0)
    path = media.looped(clip, 6)
    with open_media(path) as loop, open_media(tmp_path / "loop.mp4") as once:
        assert loop.extent[1] == pytest.approx(6, abs=0.1)
        for at in (0.5, 1.7):
            (one,) = once.frames_at([at])
            assert all((one == f).all() for f in loop.frames_at([at + 2, at + 4]))


def test_streaming(media, monkeypatch, capsys):
    bench = load_script(f"{FOLDER}/streaming.py")
    monkeypatch.setattr(bench, "CLIP", media.Clip("tiny.mp4", 64, 48))
    monkeypatch.setattr(bench, "ROUNDS", 1)
    monkeypatch.setattr(bench, "FLAT_ROUNDS", 1)
    monkeypatch.setattr(bench, "BEFORE", (34, 40))
    lines = printed(capsys, [*bench.compare(), bench.flatness()])
    assert [line["row"] for line in lines] == ["13"] * 3
    assert lines[0]["goal"] == 0.1 and all(line["ratio"] > 0 for line in lines)


def test_both_sides_see_the_same(media, tmp_path):
    """Scores of the same windows differ by the decoders' scaling only."""
    import recomputed

    from mmstconv.apis import score_video

    model = recomputed.build_model(32)
    for name, parameter in model.named_parameters():
        if "fc_cls" in name:
            torch.nn.init.normal_(parameter)
    clip = media.Clip("same.mp4", 64, 48, fps=12, seconds=4.0)
    path = media.write(clip, 1)
    ours = list(score_video(model, path, hop=8))
    peer = list(recomputed.score_video(model, path, 8))
    assert [w.start for w in ours[: len(peer)]] == pytest.approx([w[0] for w in peer])
    assert len(peer) >= len(ours) - 1 > 0
    for one, (_, scores) in zip(ours, peer):
        assert (one.scores - scores).abs().max() < 0.3 * scores.max()
        assert one.scores.argmax() == scores.argmax()
