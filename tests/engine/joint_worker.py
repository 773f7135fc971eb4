"""One process of test_joint_distributed.py: ``python joint_worker.py RANK FOLDER``."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from engine.joint_run import NAMES, Clips, Record, joint_runner, loader
from mmengine.model import MMDistributedDataParallel


def train(rank: int, folder: Path) -> None:
    dist.init_process_group(
        "gloo",
        init_method=f"file://{folder}/rendezvous",
        rank=rank,
        world_size=2,
        timeout=datetime.timedelta(seconds=60),
    )
    record = Record()
    runner = joint_runner(
        folder / f"run{rank}",
        [
            record,
            dict(type="GradientModulationHook", noise=True),
            dict(type="GradientBlendingHook"),
        ],
        data=Clips(4, [dict(audio=rank == 0)] * 4, first=rank),
        batch_size=4,
        epochs=3,
        head=dict(aux_loss_weight=0.2, score_subsets=True),
        diff_rank_seed=True,
        val_dataloader=loader(Clips(4, first=6)),
        val_cfg=dict(),
        val_evaluator=dict(type="ModalityMetric"),
    )
    runner.model = MMDistributedDataParallel(runner.model, device_ids=None)
    runner.train()
    head = runner.model.module.cls_head
    hub = runner.message_hub
    result = dict(
        seed=runner.seed,
        weights={n: p.detach() for n, p in runner.model.named_parameters()},
        confidence={name: value.tolist() for name, value in head.confidence.items()},
        k={
            name: float(hub.get_scalar(f"train/modulation_{name}").current())
            for name in NAMES
        },
        losses=record.seen[0],
        blend=dict(fused=head.loss_weight, **head.aux_loss_weight),
        history=_history(runner),
    )
    torch.save(result, folder / f"rank{rank}.pt")
    dist.destroy_process_group()


def _history(runner) -> list[dict]:
    (hook,) = [h for h in runner.hooks if type(h).__name__ == "GradientBlendingHook"]
    return hook.history


if __name__ == "__main__":
    train(int(sys.argv[1]), Path(sys.argv[2]))
