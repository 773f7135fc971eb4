"""Models that a task is not for are refused by a sentence."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from conftest import ROOT
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmstconv import apis
from mmstconv.apis import joining
from mmstconv.apis.film_steps import step_layout

CONFIG = next((ROOT / "configs/prediction/own_videos").glob("*.py"))


def test_a_model_that_is_no_recognizer(tmp_path):
    """One that forecasts frames has neither streams nor a head."""
    init_default_scope("mmaction")
    cfg = Config.fromfile(CONFIG)
    model = MODELS.build(cfg.model).eval()
    model.cfg, model.dataset_meta = cfg, {}
    weights = tmp_path / "frames.pth"
    torch.save(dict(state_dict=model.state_dict()), weights)
    wrong = {}
    for name, use in dict(
        detect=lambda: apis.detect(model, "a.mp4"),
        caption_video=lambda: apis.caption_video(model, "a.mp4"),
        caption_events=lambda: apis.caption_events(model, "a.mp4"),
        analyze=lambda: apis.analyze(model, "a.mp4"),
        class_names=lambda: apis.class_names(model),
        score_video=lambda: apis.score_video(model, "a.mp4"),
        step_layout=lambda: step_layout(model),
        camera=lambda: apis.StreamingRecognizer(model),
        streams=lambda: apis.load_recognizer(
            str(CONFIG), str(weights), streams_only=True
        ),
    ).items():
        try:
            use()
        except ValueError as error:
            if not str(error).startswith("the model is a FramePredictor, which has no"):
                wrong[name] = str(error)
        else:
            wrong[name] = "nothing"
    assert not wrong


def test_what_is_joined_has_streams(monkeypatch, tmp_path):
    model = MODELS.build(Config.fromfile(CONFIG).model)
    monkeypatch.setattr(joining, "load_recognizer", lambda *a, **k: model)
    tasks = dict(one=("a.py", "a.pth"), other=("b.py", "b.pth"))
    with pytest.raises(ValueError, match="a FramePredictor, which has no streams"):
        apis.join_tasks(tasks, tmp_path / "joined.pth")


def test_a_recognizer_without_streams():
    model = SimpleNamespace(cls_head=object())
    with pytest.raises(ValueError, match="which has no streams along a video"):
        apis.score_video(model, "a.mp4")
