"""The schedule of AdamW: what decays, and how the learning rate runs."""

from __future__ import annotations

import math

from conftest import ROOT
from engine.joint_run import Clips, joint_runner, loader
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from torch import nn

SCHEDULE = ROOT / "configs/_base_/schedules/adamw_cosine.py"
STLITE = ROOT / "configs/_base_/models/stlite_trimodal.py"
NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm)


def test_weights_decay_and_norms_and_biases_do_not():
    init_default_scope("mmaction")
    model = MODELS.build(Config.fromfile(STLITE).model)
    wrapper = build_optim_wrapper(model, Config.fromfile(SCHEDULE).optim_wrapper)
    found = {
        parameter: group["weight_decay"]
        for group in wrapper.optimizer.param_groups
        for parameter in group["params"]
    }
    of_norms = {
        parameter
        for module in model.modules()
        if isinstance(module, NORMS)
        for parameter in module.parameters()
    }
    wrong = [
        name
        for name, parameter in model.named_parameters()
        if found[parameter]
        != (0.0 if parameter in of_norms or "bias" in name.split(".")[-1] else 0.05)
    ]
    assert of_norms and len(found) == len(list(model.parameters())) and not wrong, wrong


class Rates(Hook):
    def __init__(self):
        self.seen = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.seen.append(runner.optim_wrapper.get_lr()["lr"][0])


def test_the_learning_rate_ends_with_the_training(tmp_path):
    """Five epochs of four steps: that is all a child says."""
    child = tmp_path / "child.py"
    child.write_text(f"_base_ = [{str(SCHEDULE)!r}]\ntrain_cfg = dict(max_epochs=5)\n")
    cfg, rates = Config.fromfile(child), Rates()
    joint_runner(
        tmp_path,
        [rates],
        train_dataloader=loader(Clips(8), 2),
        train_cfg=cfg.train_cfg,
        optim_wrapper=cfg.optim_wrapper,
        param_scheduler=cfg.param_scheduler,
    ).train()
    assert len(rates.seen) == 20
    for step, rate in enumerate(rates.seen):
        if step < 8:
            expected = 0.01 + 0.99 * step / 7
        else:
            expected = 0.01 + 0.99 * (1 + math.cos(math.pi * (step - 8) / 12)) / 2
        assert abs(rate / 1e-3 - expected) < 1e-6, (step, rate)
