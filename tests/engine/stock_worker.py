"""Trains with MMEngine alone: ``python stock_worker.py CONFIG``."""

import sys

from mmengine.config import Config
from mmengine.runner import Runner

Runner.from_cfg(Config.fromfile(sys.argv[1])).train()
assert not any(name.startswith("mmstconv") for name in sys.modules)
