"""Rows 10, 16c, 16d: training steps on a CPU in processes with their own settings.

    python tools/benchmarks/training_steps.py [--rows 10]

Row 10: the default tri-modal model with its losses, the backward pass and Adam, in
bfloat16 (``--amp``) beside float32, both with the launcher's allocator settings; then
the bound, a 3x3x3 convolution alone. Row 16c: forward and backward of the default
model, and of MMAction2's I3D-R50, with the launcher's allocator settings and without.
Row 16d: the default model with the launcher's batch norm beside PyTorch's, and a batch
norm of 12 channels alone, in as many threads as there are cores.
"""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import torch
from bench_models import loss_of, recognizer, shapes
from measuring import Result, alternate, result, script
from mmaction.registry import MODELS
from mmaction.utils import register_all_modules
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from pipelines import CONFIGS
from torch import Tensor, nn

from mmstconv.engine import CPUAmpOptimWrapper
from mmstconv.engine.cpu import keep_large_blocks
from mmstconv.engine.cpu_norms import fill_lines

I3D = "recognition/stconvnet/i3d_r50-lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio.py"
SLOWEST = 4  # operators named in the note
_STEPS: dict[bool, Callable] = {}  # of this process


def prepared(prepare: Callable[..., Callable], side: bool, *arguments) -> None:
    """Make what takes the steps of this process."""
    _STEPS[side] = prepare(side, *arguments)


def taken(side: bool) -> dict[str, float]:
    """Take a step; its page faults, and the peak of the process in MiB."""
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    _STEPS[side]()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return dict(faults=usage.ru_minflt - faults, peak=usage.ru_maxrss / 1024)


def in_turn(
    prepare: Callable, arguments: Sequence, rounds: int, warmup: int
) -> tuple[dict, list[dict]]:
    """Seconds of the sides True and False, each in a process, and their last steps."""
    context, last = multiprocessing.get_context("spawn"), {}
    pools = {on: ProcessPoolExecutor(1, mp_context=context) for on in (True, False)}

    def step(side: bool) -> None:
        last[side] = pools[side].submit(taken, side).result()

    for on, pool in pools.items():
        pool.submit(prepared, prepare, on, *arguments).result()
    spent = alternate({on: partial(step, on) for on in pools}, rounds, warmup)
    for pool in pools.values():
        pool.shutdown()
    return spent, [last[on] for on in pools]


def trimodal(batch: int, size: int) -> tuple[nn.Module, Callable[[], Tensor]]:
    """The default model, and what computes its loss on frames of so many pixels."""
    torch.manual_seed(0)
    model = recognizer()
    return model, loss_of(model, batch, shapes(size, size // 2, 54))


def i3d(batch: int, size: int) -> tuple[nn.Module, Callable[[], Tensor]]:
    """MMAction2's I3D-R50 alone, and the mean square of its features."""
    register_all_modules(init_default_scope=True)
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(CONFIGS / I3D).model.streams.rgb.backbone)
    model.train()  # which returns None there
    clips = torch.randn(batch, 3, 16, size, size)
    return model, lambda: model(clips).float().square().mean()


#: What is trained in row 16c, and its batches: I3D takes seconds a step.
ALLOCATED = {
    "trimodal": (trimodal, "default tri-modal model", (4, 32)),
    "i3d": (i3d, "I3D-R50 of MMAction2", (4, 16)),
}


def half_step(half: bool, batch: int, size: int) -> Callable[[], None]:
    """One side of row 10: a model with its optimizer."""
    keep_large_blocks()
    model, loss = trimodal(batch, size)
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
    how = dict(memory_format=torch.channels_last_3d)
    how["dtype"] = torch.bfloat16 if half else torch.float32
    net = nn.Conv3d(64, 64, 3, padding=1, bias=False).to(**how)
    clips = torch.randn(batch, 64, 8, size // 4, size // 4)
    clips = clips.to(**how).requires_grad_()
    return lambda: net(clips).square().mean().backward()


def slowest_operators(step: Callable[[], None]) -> str:
    """Share of a step's time in each of the slowest operators."""
    with torch.profiler.profile() as profile:
        step()
    spent = {one.key: one.self_cpu_time_total for one in profile.key_averages()}
    return ", ".join(
        f"{name.split('::')[-1]} {spent[name] / sum(spent.values()):.0%}"
        for name in sorted(spent, key=spent.get, reverse=True)[:SLOWEST]
    )


def bfloat16(batch: int, size: int, rounds: int) -> Iterator[Result]:
    """Row 10."""
    note = f"in bfloat16: {slowest_operators(half_step(True, batch, size))}"
    for name, side, goal, said in (
        ("training step in bfloat16", half_step, 0.45, note),
        ("bound: a 3x3x3 convolution alone", convolution, None, ""),
    ):
        spent, _ = in_turn(side, (batch, size), rounds, 2)
        name = f"{name}, batch of {batch}"
        pair = spent[True], spent[False]
        yield result("10", name, *pair, goal, 1000, "ms a step", said)


def kept_step(keep: bool, model: str, batch: int, size: int) -> Callable[[], None]:
    """One side of row 16c: its setting, then a model."""
    if keep and not keep_large_blocks():
        raise RuntimeError("the allocator cannot be set here, or the user has set it")
    return both_ways(*ALLOCATED[model][0](batch, size))


def both_ways(net: nn.Module, loss: Callable[[], Tensor]) -> Callable[[], None]:
    """What takes the forward and the backward pass."""

    def step() -> None:
        net.zero_grad()
        loss().backward()

    return step


def allocator(model: str, batch: int, size: int, rounds: int) -> Iterator[Result]:
    """Row 16c of one model: time and peak memory."""
    spent, (ours, peer) = in_turn(kept_step, (model, batch, size), rounds, 1)
    name = f"forward + backward, {ALLOCATED[model][1]}, batch of {batch}"
    note = f"page faults a step: {ours['faults']} kept, {peer['faults']} without"
    pair = spent[True], spent[False]
    yield result("16c", name, *pair, 0.75, 1000, "ms a step", note)
    name = f"peak memory of the same, {model}, batch of {batch}"
    yield result("16c", name, [ours["peak"]], [peer["peak"]], unit="MiB")


def normed_step(fill: bool, model: bool, batch: int, size: int) -> Callable[[], None]:
    """One side of row 16d: the default model, or a norm like its first ones."""
    keep_large_blocks()
    if fill:
        fill_lines()
    if model:
        return both_ways(*trimodal(batch, size))
    norm = nn.BatchNorm3d(12)
    x = torch.randn(batch, 12, 16, size // 2, size // 2)
    x = x.to(memory_format=torch.channels_last_3d).requires_grad_()
    return both_ways(norm, lambda: norm(x).sum())


def norms(batch: int, size: int, rounds: int) -> Iterator[Result]:
    """Row 16d."""
    names = {False: "12 channels alone", True: "default tri-modal model"}
    for model, name in names.items():
        spent, _ = in_turn(normed_step, (model, batch, size), rounds, 1)
        name = f"batch norm that fills cache lines: {name}, batch of {batch}"
        note = f"{torch.get_num_threads()} threads"
        pair = spent[True], spent[False]
        yield result("16d", name, *pair, None, 1000, "ms a step", note)


def measure(
    rows: tuple = ("10", "16c", "16d"), batch: int = 0, size: int = 112, rounds: int = 0
) -> Iterator[Result]:
    """Zeros stand for what docs/performance.md has."""
    if "10" in rows:
        yield from bfloat16(batch or 4, size, rounds or 9)
    if "16c" in rows:
        for model, (_, _, batches) in ALLOCATED.items():
            for one in [batch] if batch else batches:
                yield from allocator(model, one, size, rounds or 3)
    if "16d" in rows:
        yield from norms(batch or 16, size, rounds or 9)


if __name__ == "__main__":
    script(measure)
