"""Row 16c: training on a CPU with the launcher's allocator settings and without.

One process each, started together and stepping in turn: forward and backward of the
default tri-modal model, and of MMAction2's I3D-R50 alone. glibc's own policy is what
the other side has; it grows by itself up to blocks of 32 MiB.

python tools/benchmarks/allocator.py
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from measuring import Result, alternate, report, result
from training_steps import Trainer, i3d_loss, trimodal_loss

from mmstconv.engine.allocator import keep_large_blocks

GOAL = 0.75
LOSSES = dict(trimodal=trimodal_loss, i3d=i3d_loss)
BATCHES = dict(trimodal=(4, 32), i3d=(4, 16))  # I3D takes seconds a step
NAMES = dict(
    trimodal="forward + backward, default tri-modal model",
    i3d="forward + backward, I3D-R50 of MMAction2",
)


def prepare(keep: bool, model: str, batch: int, size: int) -> Callable[[], None]:
    """One side: its setting, then a model."""
    if keep and not keep_large_blocks():
        raise RuntimeError("the allocator cannot be set here, or the user has set it")
    net, loss = LOSSES[model](batch, size)

    def step() -> None:
        net.zero_grad()
        loss().backward()

    return step


def compare(model: str, batch: int, size: int, rounds: int) -> list[Result]:
    """Time and peak memory of one model."""
    sides = {
        keep: Trainer(prepare, (keep, model, batch, size)) for keep in (True, False)
    }
    spent = alternate(sides, rounds)
    ours, peer = (sides[keep].stop() for keep in (True, False))
    name = f"{NAMES[model]}, batch of {batch}"
    note = f"page faults a step: {ours['faults']} kept, {peer['faults']} without"
    return [
        result(
            "16c",
            name,
            spent[True],
            spent[False],
            GOAL,
            scale=1000,
            unit="ms a step",
            note=note,
        ),
        result(
            "16c",
            f"peak memory of the same, {model}, batch of {batch}",
            [ours["peak"]],
            [peer["peak"]],
            None,
            unit="MiB",
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, nargs="*")
    parser.add_argument("--size", type=int, default=112)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    lines = [
        compare(model, batch, args.size, args.rounds)
        for model in LOSSES
        for batch in args.batches or BATCHES[model]
    ]
    report([line for both in lines for line in both])


if __name__ == "__main__":
    main()
