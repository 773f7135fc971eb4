"""A model, data and a hook for MMEngine, which know nothing of us."""

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, HOOKS, METRICS, MODELS
from torch import nn
from torch.utils.data import Dataset


@DATASETS.register_module(force=True)
class StockNumbers(Dataset):
    def __init__(self):
        self.metainfo = dict(classes=["a", "b"])

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return dict(inputs=torch.full((10,), float(index)), data_samples=index)


@MODELS.register_module(force=True)
class StockToy(BaseModel):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 1)

    def forward(self, inputs, data_samples=None, mode="tensor"):
        scores = self.fc(torch.stack(list(inputs)))
        return dict(loss=scores.square().mean()) if mode == "loss" else data_samples


@METRICS.register_module(force=True)
class StockCount(BaseMetric):
    def process(self, data_batch, data_samples):
        self.results.append(1)

    def compute_metrics(self, results):
        return dict(count=len(results))


class Note:
    """An object that only its own program knows."""


@HOOKS.register_module(force=True)
class StockNotes(Hook):
    """Leaves numpy's numbers, and if asked an object, in the checkpoint."""

    def __init__(self, unknown=False):
        self.unknown = unknown

    def before_save_checkpoint(self, runner, checkpoint):
        checkpoint["numbers"] = dict(best=np.float64(0.5), all=np.arange(3))
        if self.unknown:
            checkpoint["note"] = Note()


def loader(shuffle):
    return dict(
        batch_size=2,
        num_workers=0,
        sampler=dict(type="DefaultSampler", shuffle=shuffle),
        dataset=dict(type="mmengine.StockNumbers"),
    )


def stock_config(work_dir, epochs, *, imports=(), unknown=False):
    """The text of a config with nothing of ours in it but ``imports``."""
    settings = dict(
        default_scope="mmengine",
        custom_imports=dict(imports=[*imports, "stock_parts"]),
        work_dir=str(work_dir),
        model=dict(type="mmengine.StockToy"),
        train_dataloader=loader(True),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(
            type="OptimWrapper", optimizer=dict(type="SGD", lr=0.01, momentum=0.9)
        ),
        param_scheduler=[
            dict(type="OneCycleLR", eta_max=0.1, total_steps=40, end=40, by_epoch=False)
        ],
        test_dataloader=loader(False),
        test_cfg=dict(type="mmengine.TestLoop"),
        test_evaluator=dict(type="mmengine.StockCount"),
        custom_hooks=[dict(type="mmengine.StockNotes", unknown=unknown)],
        log_level="WARNING",
        randomness=dict(seed=0),
    )
    return "\n".join(f"{key} = {value!r}" for key, value in settings.items())
