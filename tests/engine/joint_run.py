"""Real training runs of a small recognizer on random clips, for the hooks' tests."""

from __future__ import annotations

from pathlib import Path

import torch
from mmaction.structures import ActionDataSample
from mmengine.dataset import pseudo_collate
from mmengine.hooks import Hook
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from models.conftest import NUM_CLASSES, build_model
from torch.utils.data import DataLoader, Dataset

NAMES = ("rgb", "flow", "audio")


class Clips(Dataset):
    """Random clips whose sound gives the class away; ``presence`` by sample."""

    def __init__(self, samples=6, presence=None, first=0):
        generator = torch.Generator().manual_seed(1 + first)
        self.rows = []
        for row in range(samples):
            inputs = {
                "rgb": torch.randn(1, 3, 4, 8, 8, generator=generator),
                "flow": torch.randn(1, 2, 4, 8, 8, generator=generator),
                "audio": torch.randn(1, 6, 10, generator=generator),
            }
            label = (first + row) % NUM_CLASSES
            inputs["audio"][:, label] += 4
            here = (presence or [{}] * samples)[row]
            sample = ActionDataSample(
                metainfo=dict(filename=f"{row}.mp4", presence=here)
            ).set_gt_label(label)
            self.rows.append(dict(inputs=inputs, data_samples=sample))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return self.rows[index]


def loader(dataset, batch_size=6, sampler=None):
    return DataLoader(
        dataset, batch_size=batch_size, sampler=sampler, collate_fn=pseudo_collate
    )


class Record(Hook):
    """The losses of each iteration and the weights they were computed with."""

    def __init__(self):
        self.seen = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        head = getattr(runner.model, "module", runner.model).cls_head
        row = dict(epoch=runner.epoch, fused=outputs["loss_cls"].item())
        row.update({name: outputs[f"loss_aux_{name}"].item() for name in NAMES})
        weights = dict(fused=head.loss_weight, **head.aux_loss_weight)
        self.seen.append((row, weights))


def joint_runner(
    work_dir: Path, hooks, *, data=None, batch_size=6, epochs=1, head=None, **kwargs
):
    """A Runner on ``Clips``, its model the same at each call."""
    init_default_scope("mmaction")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = kwargs.pop("model", None)
    if model is None:
        model = build_model(NAMES, **(head or {}))
        model.init_weights()  # now: the Runner does not do it again
    return Runner(
        model=model,
        work_dir=str(work_dir),
        experiment_name=f"{work_dir.name}_{id(model)}",
        train_dataloader=kwargs.pop("train_dataloader", None)
        or loader(data or Clips(), batch_size),
        train_cfg=kwargs.pop(
            "train_cfg", dict(by_epoch=True, max_epochs=epochs, val_interval=1)
        ),
        optim_wrapper=kwargs.pop(
            "optim_wrapper", dict(optimizer=dict(type="SGD", lr=1.0))
        ),
        custom_hooks=hooks,
        default_hooks=dict(
            logger=None, checkpoint=kwargs.pop("checkpoint", None), timer=None
        ),
        default_scope="mmaction",
        randomness=dict(
            seed=kwargs.pop("seed", 3),
            diff_rank_seed=kwargs.pop("diff_rank_seed", False),
        ),
        log_level="WARNING",
        **kwargs,
    )
