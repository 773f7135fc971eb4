"""A process of test_nodes.py: ``node_worker.py WORK_DIR {Runner,FlexibleRunner}``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch
from engine.toy_run import toy_config

from mmstconv.engine.launch import build_runner

os.environ["MMSTCONV_TRACEBACK"] = "1"
work_dir, kind = Path(sys.argv[1]), sys.argv[2]
cfg = toy_config(work_dir, train_cfg__max_epochs=2)
if kind == "FlexibleRunner":
    cfg.runner_type = kind
    cfg.strategy = dict(type="DDPStrategy")
runner = build_runner(cfg, "toy.py", str(work_dir), "pytorch")
runner.train()
weight = dict(runner.model.named_parameters())["module.weight"].detach()
torch.save(
    dict(weight=weight, world=torch.distributed.get_world_size(), iter=runner.iter),
    work_dir / f"rank{os.environ['RANK']}-{os.environ['GROUP_RANK']}.pt",
)
