"""One process of test_distributed.py: ``python ddp_worker.py RANK FOLDER``."""

from __future__ import annotations

import copy
import datetime
import sys

import torch
import torch.distributed as dist
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from torch.nn.parallel import DistributedDataParallel

import mmstconv  # noqa: F401  (before mmaction: repairs it)

WORLD = 2


def batch(rank, has_audio):
    generator = torch.Generator().manual_seed(rank)
    inputs = {
        "rgb": torch.randn(2, 1, 3, 4, 8, 8, generator=generator),
        "audio": torch.randn(2, 1, 6, 10, generator=generator),
    }
    data_samples = [
        ActionDataSample(metainfo=dict(presence=dict(audio=has_audio))).set_gt_label(
            2 * rank + row
        )
        for row in range(2)
    ]
    return inputs, data_samples


def train(rank, folder):
    cfg = torch.load(f"{folder}/cfg.pt")
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo",
        init_method=f"file://{folder}/rendezvous",
        rank=rank,
        world_size=WORLD,
        timeout=datetime.timedelta(seconds=30),
    )
    torch.manual_seed(0)
    model = MODELS.build(cfg).train()  # norm_eval acts in train()
    alone = copy.deepcopy(model)
    wrapped = DistributedDataParallel(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(3):
        losses = wrapped(*batch(rank, has_audio=rank == 0), mode="loss")
        optimizer.zero_grad()
        sum(value for key, value in losses.items() if "loss" in key).backward()
        if step == 0:
            first = {name: one.grad.clone() for name, one in model.named_parameters()}
            first_loss = losses["loss_cls"].detach()
        optimizer.step()
    losses = alone(*batch(rank, has_audio=rank == 0), mode="loss")
    sum(value for key, value in losses.items() if "loss" in key).backward()
    result = dict(
        state=model.state_dict(),
        shared_grad=first,
        own_grad={name: one.grad for name, one in alone.named_parameters()},
        loss=first_loss,
    )
    torch.save(result, f"{folder}/rank{rank}.pt")
    dist.destroy_process_group()


if __name__ == "__main__":
    train(int(sys.argv[1]), sys.argv[2])
