"""Models with weights that nobody trained, written as commands read them."""

from __future__ import annotations

from pathlib import Path

import torch
from conftest import ROOT
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

DEMO_AUDIO = ROOT / "configs/recognition/demo/stconvnet_lstm_demo-audio.py"


def save_demo_audio(folder: Path) -> Path:
    """The checkpoint of the demo's model of sound, whose config is ``DEMO_AUDIO``."""
    init_default_scope("mmaction")
    model = MODELS.build(Config.fromfile(DEMO_AUDIO).model)
    torch.save(dict(state_dict=model.state_dict()), folder / "model.pth")
    return folder / "model.pth"


def save_with_config(model: torch.nn.Module, folder: Path) -> None:
    """Writes ``config.py`` and ``weights.pth`` of a model that has its config."""
    cfg = dict(default_scope="mmaction", **model.cfg.to_dict())
    Config(cfg).dump(str(folder / "config.py"))
    torch.save(dict(state_dict=model.state_dict()), folder / "weights.pth")
