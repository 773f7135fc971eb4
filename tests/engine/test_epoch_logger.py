"""Some lines of each epoch, however long it is."""

from __future__ import annotations

import re

from engine.toy_run import toy_config
from mmengine.runner import Runner


def lines(tmp_path, capfd, **options):
    cfg = toy_config(tmp_path, **options)  # 4 iterations an epoch
    cfg.log_level = "INFO"
    cfg.default_hooks.logger = dict(type="EpochLoggerHook", **options.pop("hook", {}))
    Runner.from_cfg(cfg).train()
    found = re.findall(r"Epoch\(train\) \[(\d)\]\[ *(\d+)/", capfd.readouterr().out)
    return [(int(epoch), int(iteration)) for epoch, iteration in found]


def test_four_lines_an_epoch_and_the_first_iteration(tmp_path, capfd):
    every = [(epoch, i) for epoch in (1, 2) for i in (1, 2, 3, 4)]
    assert lines(tmp_path, capfd) == every


def test_an_interval_of_the_users_stays(tmp_path, capfd):
    cfg = toy_config(tmp_path)
    cfg.log_level = "INFO"
    cfg.default_hooks.logger = dict(type="EpochLoggerHook", interval=3)
    Runner.from_cfg(cfg).train()
    found = re.findall(r"Epoch\(train\) \[(\d)\]\[ *(\d+)/", capfd.readouterr().out)
    assert found == [("1", "1"), ("1", "3"), ("1", "4"), ("2", "3"), ("2", "4")]
