"""One file by its address: predictions and features as of the file."""

from __future__ import annotations

import pytest
import torch
from conftest import ROOT
from helpers_remote import http_site
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmstconv.apis import extract_steps, load_recognizer, predict_video
from mmstconv.media import FetchError

CONFIG = ROOT / "configs/recognition/demo/stconvnet_lstm_demo-audio.py"


def test_predictions_and_steps(demo_data, tmp_path):
    pytest.importorskip("aiohttp")
    init_default_scope("mmaction")
    state = MODELS.build(Config.fromfile(CONFIG).model).state_dict()
    torch.save(dict(state_dict=state), tmp_path / "model.pth")
    model = load_recognizer(str(CONFIG), str(tmp_path / "model.pth"), "cpu")
    path = min((demo_data / "val").iterdir())
    fetch = dict(type="FetchMedia", timeout=5, retries=0)
    with http_site() as site:
        site.files["/a.mp4"] = path.read_bytes()
        url = site.url + "a.mp4"
        here = predict_video(model, path)
        for pipeline in (None, [fetch, *model.cfg.test_pipeline]):
            there = predict_video(model, url, pipeline=pipeline)
            assert torch.equal(there.pred_score, here.pred_score)
        assert torch.equal(extract_steps(model, url)[0], extract_steps(model, path)[0])
        with pytest.raises(FileNotFoundError, match="media file not found: http"):
            predict_video(model, site.url + "none.mp4")
        site.faults, site.always = ["status:500"], True
        with pytest.raises(FetchError, match="status 500"):
            predict_video(model, url, pipeline=[fetch, *model.cfg.test_pipeline])
