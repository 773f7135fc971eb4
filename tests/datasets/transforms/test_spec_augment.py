"""What SpecAugment hides, and what it leaves."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import ROOT
from helpers_culprits import for_each
from mmaction.utils import register_all_modules
from mmengine.config import Config

from mmstconv.datasets import SpecAugment

register_all_modules(init_default_scope=True)

DEMO = ROOT / "configs/recognition/demo/stconvnet_lstm_demo-rgb-flow-audio.py"


def hidden(transform, audio):
    """Where the spectrogram has changed, all to the mean of its clip."""
    before = audio.copy()
    found = transform(dict(audio=audio))["audio"]
    assert np.array_equal(audio, before) and found.dtype == audio.dtype
    mask = found != audio
    for clip, old, new in zip(mask, audio, found):
        assert np.allclose(new[clip], old.mean())
    return mask


@for_each("seed", range(20))
def test_stripes_of_at_most_the_widths(seed):
    np.random.seed(seed)
    audio = np.random.randn(2, 40, 100).astype(np.float32)
    masks = hidden(SpecAugment(2, bands=0.1, moments=0.15), audio)
    for mask in masks:
        bands, moments = mask.all(axis=1), mask.all(axis=0)
        assert np.array_equal(mask, bands[:, None] | moments)
        assert bands.sum() <= 2 * 4 and moments.sum() <= 2 * 15
        assert np.diff(np.pad(bands, 1).astype(int)).clip(0).sum() <= 2
    assert not np.array_equal(masks[0], masks[1])


def test_mean_width():
    np.random.seed(0)
    audio = np.random.randn(500, 50, 60)
    masks = hidden(SpecAugment(1, bands=0.4, moments=0), audio)
    assert masks.mean() == pytest.approx(0.2, abs=0.02)  # 0 to 20 of 50 bands


def test_silence_stays():
    audio = np.full((1, 8, 9), -13.8, np.float32)
    found = SpecAugment(2, 1.0, 1.0)(dict(audio=audio))["audio"]
    assert np.allclose(found, audio, atol=1e-4)


def test_in_the_training_pipeline_alone(tmp_path):
    config = tmp_path / "a.py"
    config.write_text(
        f"_base_ = [{str(DEMO)!r}]\n"
        "from mmstconv.pipelines import change_steps\n"
        "change_steps(_base_, train=dict(spec=dict(type='SpecAugment')))\n"
    )
    cfg = Config.fromfile(config)
    names = [step["type"] for step in cfg.train_dataloader.dataset.pipeline]
    assert names[-3:] == ["SpecAugment", "FormatClips", "PackActionInputs"]
    assert names.index("LogMel") < names.index("SpecAugment")
    assert "SpecAugment" not in str(cfg.val_dataloader)


def test_wrong_use():
    with pytest.raises(ValueError, match=r"must lie in 0\.\.1, got 1.5 and 0"):
        SpecAugment(bands=1.5, moments=0)
    with pytest.raises(ValueError, match="leave it out behind RawAudio"):
        SpecAugment()(dict(audio=np.zeros((2, 1, 16000))))
