"""What the launcher does to a config before a runner has it."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmengine.config import Config, config
from mmengine.runner import Runner

from mmstconv.engine.launch import build_runner

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = sorted((ROOT / "configs").glob("[!_]*/*/*.py"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_runner_writes_a_config_that_reads_the_same(path, monkeypatch):
    """Without yapf, but Python all the same, through the copies that runners make."""
    monkeypatch.setattr(config, "FormatCode", None)
    monkeypatch.setattr(Runner, "from_cfg", classmethod(lambda cls, cfg: cfg))
    cfg = build_runner(Config.fromfile(path), str(path), None, "none")
    copy = cfg.copy()
    copy.model.odd = {"not a name": [(1, "two\nlines '\""), None, dict(a=())]}
    for written in (cfg, copy):
        read = Config.fromstring(written.pretty_text, ".py")
        assert read.to_dict() == written.to_dict()
