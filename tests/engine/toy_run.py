"""A run with our default hooks and next to nothing to compute, for its faults."""

from __future__ import annotations

import inspect
from itertools import count
from pathlib import Path

import torch
from mmaction.registry import METRICS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, MODELS
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import Dataset

RUNTIME = Path(__file__).resolve().parents[2] / "configs/_base_/default_runtime.py"
STEPS = 4  # in an epoch


@DATASETS.register_module()
class Numbers(Dataset):
    def __len__(self):
        return 2 * STEPS

    def __getitem__(self, index):
        return dict(
            inputs=torch.full((10,), float(index)), data_samples=ActionDataSample()
        )


@MODELS.register_module()
class Toy(BaseModel):
    """A linear model of ten numbers.

    Args:
        size: Parameters, whatever for: they make a checkpoint large.
        parts: Layers that nothing goes through.
    """

    def __init__(self, size: int = 10, parts: int = 0, init_cfg=None):
        super().__init__(init_cfg=init_cfg)
        self.weight = nn.Parameter(torch.zeros(size))
        self.parts = nn.ModuleList(nn.Linear(2, 2) for _ in range(parts))
        self.register_buffer("mask", torch.tensor([0.0, -torch.inf]))

    def forward(self, inputs, data_samples=None, mode="tensor"):
        rows = torch.stack(inputs) if isinstance(inputs, (list, tuple)) else inputs
        if mode == "loss":
            return dict(loss=((rows * self.weight[:10]).sum(1) - 1).square().mean())
        return data_samples


@METRICS.register_module()
class Scripted(BaseMetric):
    """Says what it was told to, in turn."""

    def __init__(self, values, **kwargs):
        super().__init__(**kwargs)
        self.values = list(values)

    def process(self, data_batch, data_samples):
        self.results.append(1)

    def compute_metrics(self, results):
        return dict(top1=self.values.pop(0))


def toy_config(work_dir: Path, scores=None, **options) -> Config:
    """A config; ``options`` as of ``--cfg-options``, with ``__`` for a dot.

    Args:
        work_dir: Of the run.
        scores: ``acc/top1`` of each validation, one after each epoch; None: there is
            none.
    """
    cfg = Config.fromfile(RUNTIME)
    loader = dict(
        batch_size=2,
        num_workers=0,
        sampler=dict(type="ResumableSampler", shuffle=True),
        dataset=dict(type="mmengine.Numbers"),
    )
    cfg.model = dict(type="mmengine.Toy")
    cfg.train_dataloader = loader
    cfg.train_cfg = dict(type="ResumableTrainLoop", max_epochs=2)
    cfg.optim_wrapper = dict(optimizer=dict(type="SGD", lr=1e-4, momentum=0.9))
    if scores is not None:
        cfg.val_dataloader = dict(loader, sampler=dict(type="DefaultSampler"))
        cfg.val_cfg = dict(type="ValLoop")
        cfg.val_evaluator = dict(type="Scripted", values=scores, prefix="acc")
    else:
        cfg.default_hooks.checkpoint.save_best = None
    cfg.default_hooks.logger = None
    cfg.work_dir, cfg.log_level = str(work_dir), "WARNING"
    cfg.randomness = dict(seed=0)
    cfg.merge_from_dict({key.replace("__", "."): v for key, v in options.items()})
    return cfg


def for_testing(cfg: Config) -> Config:
    """The same config, to test with."""
    cfg.test_dataloader = dict(
        cfg.train_dataloader, sampler=dict(type="DefaultSampler")
    )
    cfg.test_cfg = dict(type="TestLoop")
    cfg.test_evaluator = dict(type="Scripted", values=[1.0])
    for key in ("train_dataloader", "train_cfg", "optim_wrapper"):
        cfg[key] = None
    return cfg


_numbers = count()


def toy_runner(cfg: Config) -> Runner:
    """``Runner.from_cfg`` without the text of the config.

    MMEngine would format it, which takes longer than all else, for each checkpoint.
    """
    accepted = inspect.signature(Runner.__init__).parameters.keys() - {"self", "cfg"}
    settings = {key: cfg[key] for key in accepted & cfg.keys()}
    # another name for each runner of a process
    return Runner(**{**settings, "experiment_name": f"toy_{next(_numbers)}"})
