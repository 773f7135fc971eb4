"""Row 10: a training step in bfloat16 on a CPU (``--amp``) beside one in float32.

Both sides are the default tri-modal model with its losses, the backward pass and Adam,
on the same clips, each in a process under the launcher's allocator settings, stepping
in turn. Ours has CPUAmpOptimWrapper, the peer MMEngine's OptimWrapper. The last line
is the bound: one 3x3x3 convolution alone, bfloat16 by float32, in the same layout.

python tools/benchmarks/bfloat16.py
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import torch
from measuring import alternate, report, result
from mmengine.optim import OptimWrapper
from torch import nn
from training_steps import DEFAULT, Trainer, trimodal_loss

from mmstconv.engine import CPUAmpOptimWrapper
from mmstconv.engine.allocator import keep_large_blocks

GOAL = 0.45
SLOWEST = 4  # operators named in the note


def prepare(half: bool, batch: int, size: int, config: str) -> Callable[[], None]:
    """One side: a model with its optimizer."""
    keep_large_blocks()
    model, loss = trimodal_loss(batch, size, config)
    return training_step(model, loss, half)


def training_step(model: nn.Module, loss: Callable, half: bool) -> Callable[[], None]:
    """What a training loop does in one step."""
    wrapper = CPUAmpOptimWrapper if half else OptimWrapper
    optim_wrapper = wrapper(optimizer=torch.optim.Adam(model.parameters(), lr=1e-4))

    def step() -> None:
        with optim_wrapper.optim_context(model):
            value = loss()
        optim_wrapper.update_params(value)

    return step


def convolution(half: bool, batch: int, size: int) -> Callable[[], None]:
    """One side of the bound: a large convolution and its backward pass, alone."""
    keep_large_blocks()
    layout = torch.channels_last_3d
    net = nn.Conv3d(64, 64, 3, padding=1, bias=False).to(memory_format=layout)
    shape = (batch, 64, 8, size // 4, size // 4)
    dtype = torch.bfloat16 if half else torch.float32
    clips = torch.randn(shape).to(dtype, memory_format=layout).requires_grad_()
    net.to(dtype)

    def step() -> None:
        net(clips).square().mean().backward()

    return step


def slowest_operators(step: Callable[[], None]) -> str:
    """Share of a step's time in each of the slowest operators."""
    with torch.profiler.profile() as profile:
        step()
    events = profile.key_averages()
    whole = sum(event.self_cpu_time_total for event in events)
    events = sorted(events, key=lambda event: -event.self_cpu_time_total)[:SLOWEST]
    return ", ".join(
        f"{event.key.split('::')[-1]} {event.self_cpu_time_total / whole:.0%}"
        for event in events
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default=DEFAULT, help="of a model, below configs/")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--size", type=int, default=112)
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args()
    lines = []
    note = slowest_operators(prepare(True, args.batch, args.size, args.config))
    for name, side, more, goal, said in (
        ("training step in bfloat16", prepare, (args.config,), GOAL, note),
        ("bound: a 3x3x3 convolution alone", convolution, (), None, ""),
    ):
        sides = {
            half: Trainer(side, (half, args.batch, args.size, *more))
            for half in (True, False)
        }
        spent = alternate(sides, args.rounds, warmup=2)
        for one in sides.values():
            one.stop()
        lines.append(
            result(
                "10",
                f"{name}, batch of {args.batch}",
                spent[True],
                spent[False],
                goal,
                scale=1000,
                unit="ms a step",
                note=f"in bfloat16: {said}" if said else "",
            )
        )
    report(lines)


if __name__ == "__main__":
    main()
