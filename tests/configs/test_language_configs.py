"""Configs of captions by a language model, a tiny one in its place; the real one by
request."""

from __future__ import annotations

import os

import pytest
import torch
from conftest import ROOT
from helpers_language import needs_transformers, write_language_model
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmstconv.models import Features

needs_transformers()
CONFIGS = sorted((ROOT / "configs/captioning").rglob("prefix-*.py"))
REAL = "MMSTCONV_SMOLLM2"  # the folder of SmolLM2-135M-Instruct


def built(path, folder):
    init_default_scope("mmaction")
    cfg = Config.fromfile(path)
    cfg.model.cls_head.language_model = str(folder)
    torch.manual_seed(0)
    return MODELS.build(cfg.model)


def fused_of(model, clips=2):
    widths = model.joint.in_channels
    feats = {name: torch.randn(clips, 12, width) for name, width in widths.items()}
    silent = dict(audio=torch.arange(clips) > 0)
    return model.joint(Features(feats, silent, common=True))


def test_they_build_learn_and_speak(tmp_path):
    folder = write_language_model(tmp_path / "model")
    assert CONFIGS
    for path in CONFIGS:
        model = built(path, folder)
        samples = [
            ActionDataSample(gt_captions=["a disc moves up"], metainfo=dict(filename=f))
            for f in ("a.mp4", "b.mp4")
        ]
        head = model.cls_head.train()
        head.loss(fused_of(model), samples)["loss_caption"].backward()
        assert head.prefix.linear.weight.grad.abs().sum() > 0, path
        for sample in head.eval().predict(fused_of(model), samples):
            assert isinstance(sample.pred_caption, str), path
            assert sample.pred_caption_score < 0, path


@pytest.mark.slow
@pytest.mark.skipif(REAL not in os.environ, reason=f"{REAL} names no folder")
def test_the_real_model_learns_two_sentences():
    """By LoRA; frozen it still goes on with a sentence that it is given."""
    frozen, lora = (
        built(next(p for p in CONFIGS if kind in p.name), os.environ[REAL])
        for kind in ("frozen", "lora")
    )
    language = frozen.cls_head.language
    asked = language.embed(language.tokens("The capital of France is"))
    (ids,) = language.write([asked])
    assert "Paris" in language.text(ids)

    texts = ["a player dunks a ball", "someone plays the piano"]
    torch.manual_seed(0)
    fused = fused_of(lora)
    learned = [one for one in lora.cls_head.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(learned, 2e-3)
    for _ in range(25):
        optimizer.zero_grad()
        steps = fused_of_same(lora, fused)
        lora.cls_head.token_loss(steps, texts).backward()
        optimizer.step()
    assert [one.text for one in lora.cls_head.eval().caption(fused)] == texts


def fused_of_same(model, fused):
    """The same clips through the joint again."""
    return model.joint(fused.features)
