"""One process of test_bad_sample_hook.py: ``bad_sample_worker.py RANK FOLDER``."""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path

import torch.distributed as dist
from engine.test_bad_sample_hook import build, hook_of
from mmengine.model import MMDistributedDataParallel

from mmstconv.datasets import BadDataError


def train(rank: int, folder: Path, share: float) -> dict:
    """What became of a run with this share of bad samples allowed."""
    options = {"default_hooks.bad_samples.max_share": share}
    runner = build(folder / "data", folder / f"rank{rank}_{share}", **options)
    runner.model = MMDistributedDataParallel(runner.model, device_ids=None)
    stopped = ""
    try:
        runner.train()
    except BadDataError as error:
        stopped = str(error)
    hook = hook_of(runner)
    counts = dict(samples=hook.samples, replaced=hook.replaced, iter=runner.iter)
    if not stopped:
        values, _ = runner.message_hub.get_scalar("val/bad_samples").data
        counts["flagged"] = values.tolist()
    return dict(stopped=stopped, counts=counts)


def main(rank: int, folder: Path) -> None:
    dist.init_process_group(
        "gloo",
        init_method=f"file://{folder}/rendezvous",
        rank=rank,
        world_size=2,
        timeout=datetime.timedelta(seconds=60),
    )
    results = [train(rank, folder, share) for share in (0.1, 0.0)]
    (folder / f"rank{rank}.json").write_text(json.dumps(results))
    dist.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
