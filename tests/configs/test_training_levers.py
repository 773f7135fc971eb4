"""The changes of configs that docs/training.md shows are changes that work."""

from __future__ import annotations

import re

from conftest import ROOT
from helpers_culprits import culprits
from mmaction.registry import HOOKS, MODELS, TRANSFORMS, VISBACKENDS
from mmaction.utils import register_all_modules
from mmengine.config import Config

from mmstconv.engine.configs import check_config

register_all_modules(init_default_scope=True)

STLITE = "stlite_lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio.py"
DOC = (ROOT / "docs/training.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", DOC, flags=re.DOTALL)


def child_of(block):
    """A config with the block in it."""
    if "_base_ = [" in block:
        return block.replace("mmstconv::", f"{ROOT / 'configs'}/")
    pipelines = "from mmstconv.pipelines import change_steps\n"
    block = block.replace(pipelines, "")
    base = ROOT / "configs/recognition/stconvnet" / STLITE
    return f"_base_ = [{str(base)!r}]\n{pipelines}\n{block}"


def test_every_block_is_a_config(tmp_path):
    def check(number, block):
        path = tmp_path / f"block_{number}.py"
        path.write_text(child_of(block))
        cfg = Config.fromfile(path)
        check_config(cfg)
        MODELS.build(cfg.model)
        for split in ("train", "val", "test"):
            for step in cfg[f"{split}_dataloader"].dataset.pipeline:
                TRANSFORMS.build(step)
        for hook in cfg.default_hooks.values():
            HOOKS.build(hook)
        for backend in cfg.visualizer.vis_backends:
            assert VISBACKENDS.get(backend.type)

    assert len(BLOCKS) == 7
    assert culprits(check, enumerate(BLOCKS)) == []
