"""What all tests share: the package first, a small data set, the project's scripts."""

from __future__ import annotations

import importlib.util
import os
import sys
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings
from mmengine.config import Config

import mmstconv  # noqa: F401  (before anything of MMAction2: repairs it)
from mmstconv.private_names import write_config_plainly

ROOT = Path(__file__).resolve().parents[1]
# The same examples each time, and no time limit that a busy machine would exceed.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")
os.environ.setdefault("OMP_NUM_THREADS", "2")


_numbers = count()


def plain_config(path: str | Path) -> Config:
    """A config whose runners start within the second: yapf does not format it.

    Runners that start in one second share what they log if they have one name, so each
    config names its own.
    """
    cfg = Config.fromfile(path)
    write_config_plainly(cfg)
    cfg.experiment_name = f"{Path(path).stem}_{next(_numbers)}"
    return cfg


def load_script(relative: str):
    """A script of ``tools/`` as a module; it may import its neighbours."""
    path = ROOT / relative
    if path.stem in sys.modules:
        return sys.modules[path.stem]
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pytest_collection_modifyitems(items):
    """Tests marked ``gpu`` are skipped where there is none.

    Of several test processes (``make test``) each takes whole files, so that what a
    file's tests share is made once; a mark ``xdist_group`` joins files.
    """
    import torch

    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    if not torch.cuda.is_available():
        skip = pytest.mark.skip(reason="needs a CUDA device")
        for item in items:
            if "gpu" in item.keywords:
                item.add_marker(skip)


@pytest.fixture(scope="session")
def demo_data(tmp_path_factory) -> Path:
    """A few files of the embedded data set: 16 to train, 8 to validate, 8 to test."""
    folder = tmp_path_factory.mktemp("demo_data")
    make = load_script("tools/data/make_demo_dataset.py").make_dataset
    make(folder, dict(train=16, val=8, test=8), seed=5)
    return folder


def data_options(folder: Path, batch_size: int = 8) -> dict:
    """``--cfg-options`` that point a demo config at a folder; no loader processes."""
    options = {}
    for split in ("train", "val", "test"):
        options[f"{split}_dataloader.batch_size"] = batch_size
        options[f"{split}_dataloader.num_workers"] = 0
        options[f"{split}_dataloader.persistent_workers"] = False
        dataset = f"{split}_dataloader.dataset"
        options[f"{dataset}.ann_file"] = str(folder / f"{split}.txt")
        options[f"{dataset}.data_prefix.video"] = str(folder / split)
        options[f"{dataset}.metainfo.classes"] = str(folder / "classes.txt")
    return options


def as_flags(options: dict) -> list[str]:
    return ["--cfg-options", *(f"{key}={value}" for key, value in options.items())]


@pytest.fixture(autouse=True)
def _clean_mmengine_state():
    """MMEngine keeps runners, loggers and visualizers by name across tests."""
    yield
    from mmengine.logging import MMLogger
    from mmengine.registry import DefaultScope

    DefaultScope._instance_dict.clear()
    MMLogger._instance_dict.clear()
