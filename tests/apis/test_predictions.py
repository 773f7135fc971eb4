"""Many files at once say what each says by itself, from wherever it comes."""

from __future__ import annotations

import io
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from conftest import ROOT
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmstconv.apis import load_recognizer, predict_video, predict_videos
from mmstconv.apis.inference import class_probabilities, fuse_clips

CONFIG = ROOT / "configs/recognition/demo/stconvnet_lstm_demo-rgb-flow-audio.py"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    init_default_scope("mmaction")
    torch.manual_seed(0)
    built = MODELS.build(Config.fromfile(CONFIG).model)
    path = tmp_path_factory.mktemp("model") / "model.pth"
    torch.save(dict(state_dict=built.state_dict()), path)
    return load_recognizer(CONFIG, str(path), "cpu")


@pytest.fixture
def files(demo_data):
    return sorted((demo_data / "val").iterdir())[:3]


def test_batches_say_what_each_file_says(model, files, tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_text("no film")
    given = [files[0], bad, files[1], tmp_path / "none.mp4", files[2]]
    found = list(predict_videos(model, given, batch_size=4, workers=1))
    assert [one.source for one in found] == [str(path) for path in given]
    assert [one.error is None for one in found] == [True, False, True, False, True]
    assert "bad.mp4" in str(found[1].error) and not found[1].scores
    names = model.dataset_meta["classes"] or list(map(str, range(8)))
    for path, one in zip(given, found):
        if one.error:
            continue
        alone = class_probabilities(model, predict_video(model, path).pred_score)
        both = torch.tensor([one.scores[name] for name in names])
        torch.testing.assert_close(both, alone, atol=1e-5, rtol=0)
        ranked = list(one.scores.values())
        assert ranked == sorted(ranked, reverse=True)
        fused, _ = fuse_clips(model, path)
        for name, said in one.streams.items():
            logits = model.cls_head(fused.only(name)).detach()
            expected = logits.softmax(1).mean(0)
            own = torch.tensor([said[label] for label in names])
            torch.testing.assert_close(own, expected, atol=1e-5, rtol=0)
        assert [*one.streams] == [m for m, here in one.presence.items() if here]


def test_wherever_it_comes_from(model, files):
    pytest.importorskip("aiohttp")
    serve = partial(SimpleHTTPRequestHandler, directory=files[0].parent)
    with ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        content = files[0].read_bytes()
        given = [files[0], content, io.BytesIO(content), url + files[0].name]
        *same, gone = predict_videos(model, [*given, url + "gone.mp4"])
        server.shutdown()
    assert len({str(one.scores) for one in same}) == 1 and same[0].scores
    assert str(gone.error) == f"media file not found: {url}gone.mp4"


def test_what_is_refused(model, files):
    with pytest.raises(ValueError, match="batch_size must be 1 or more, got 0"):
        list(predict_videos(model, files, batch_size=0))
