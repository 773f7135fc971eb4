"""Row 17: the default tri-modal model on a GPU.

    python tools/benchmarks/gpu.py

- A training step (fused Adam, on the device already): AMP, ``torch.compile`` and both
  beside eager float32, with peak memory and the time that the GPU is at work in it.
- Flow on the device (``TVL1Flow``, a whole batch) beside ``ComputeFlow`` (DIS on one
  core of the host), per sample; and the end-point errors of the two.
- The share of a short training in which the GPU waits, by CUDA events and by the loop's
  own timer, with files as they come and prepared ones, flow on the host and the device.

Without a GPU only the flow is measured, on a core of the CPU. ``--device cpu --tiny``
runs everything else on small sizes there, to see that it runs.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import torch
from bench_clips import FOLDER as MEDIA
from bench_clips import WEB, Clip, draw, end_point_errors, files, translations
from gpu_loop import waiting
from measuring import Result, alternate, quartiles, result, script
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmaction.utils import register_all_modules
from mmengine.config import Config
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from pipelines import CONFIGS
from torch import nn

import mmstconv  # noqa: F401
from mmstconv.datasets import ComputeFlow
from mmstconv.engine import CPUAmpOptimWrapper
from mmstconv.media.writing.preparing import TrainingForm, prepare_media

FOLDER = CONFIGS / "recognition/stconvnet"
NAME = "stlite_lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio"
HOST_FLOW = FOLDER / f"{NAME}.py"
FLOW = {"host": HOST_FLOW, "device": FOLDER / f"{NAME}_device-flow.py"}
STEPS = 16  # frames of a clip
VARIANTS = {
    "AMP bfloat16": dict(dtype="bfloat16"),
    "AMP float16": dict(dtype="float16"),
    "torch.compile": dict(compiled=True),
    "AMP bfloat16, torch.compile": dict(dtype="bfloat16", compiled=True),
}

#: Files, where flow is computed, and whether with ``compile=True``.
LOOPS = [(kind, on, False) for kind in ("original", "prepared") for on in FLOW]
LOOPS.append(("prepared", "device", True))


def batch_of(samples: int, size: int, device: torch.device) -> dict:
    """Random inputs as the data loader gives them, on the device already."""
    generator = torch.Generator().manual_seed(0)
    rgb = torch.randint(0, 256, (1, 3, STEPS, size, size), generator=generator)
    flow = torch.randn(1, 2, STEPS, size // 2, size // 2, generator=generator)
    audio = torch.randn(1, 64, 134, generator=generator) - 8
    inputs = dict(rgb=rgb.byte(), flow=flow, audio=audio)
    return dict(
        inputs={name: [one.to(device)] * samples for name, one in inputs.items()},
        data_samples=[
            ActionDataSample(metainfo=dict(filename="drawn")).set_gt_label(row % 101)
            for row in range(samples)
        ],
    )


def step_of(
    model: nn.Module, batch: Mapping, dtype="float32", compiled=False, backend=None
) -> Callable[[], dict]:
    """A training step of a copy of the model."""
    model = copy.deepcopy(model).train()
    if compiled:
        for stream in model.streams.values():
            stream.backbone.compile(backend=backend)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    if dtype == "float32":
        optim_wrapper = OptimWrapper(optimizer=optimizer)
    elif next(model.parameters()).is_cuda:
        optim_wrapper = AmpOptimWrapper(dtype=dtype, optimizer=optimizer)
    else:
        optim_wrapper = CPUAmpOptimWrapper(optimizer=optimizer)  # bfloat16
    return lambda: model.train_step(batch, optim_wrapper)


def finished(step: Callable[[], object], count: int, device: torch.device):
    """``count`` times ``step``, then wait until the device has done it."""

    def work() -> None:
        for _ in range(count):
            step()
        if device.type == "cuda":
            torch.cuda.synchronize()

    return work


def on_gpu(step: Callable[[], object], device: torch.device) -> tuple[float, float]:
    """MiB that a step needs beyond what is there before it, and milliseconds of it in
    which kernels run."""
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    finished(step, 1, device)()
    peak = (torch.cuda.max_memory_allocated() - before) / 2**20
    activities = [torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities) as profile:
        finished(step, 3, device)()
    busy = sum(one.self_device_time_total for one in profile.key_averages()) / 3000
    return peak, busy


def steps(
    device: torch.device, rounds: int, tiny: bool, samples: int
) -> Iterator[Result]:
    """Each variant beside eager float32."""
    model = MODELS.build(Config.fromfile(HOST_FLOW).model).to(device)
    batch = batch_of(samples, 32 if tiny else 112, device)
    count, warmup, backend = (1, 1, "eager") if tiny else (5, 3, "inductor")
    eager, cuda = step_of(model, batch), device.type == "cuda"
    memory, busy = on_gpu(eager, device) if cuda else (0, 0)
    for name, options in VARIANTS.items():
        step = step_of(model, batch, backend=backend, **options)
        sides = {side: finished(side, count, device) for side in (step, eager)}
        pair = alternate(sides, rounds, warmup).values()
        note = f"batch {samples}"
        if cuda:
            mine, at_work = on_gpu(step, device)
            note += f"; peak {mine:.0f} of {memory:.0f} MiB"
            note += f"; GPU at work {at_work:.1f} by {busy:.1f} ms"
        name = f"training step, {name}, by eager float32"
        yield result("17", name, *pair, None, 1000 / count, "ms a step", note)
        torch.compiler.reset()


def flow_cost(device: torch.device, rounds: int, tiny: bool) -> Iterator[Result]:
    """A sample's flow: a share of a batch on the device, DIS on one core."""
    cuda = device.type == "cuda"
    samples = 32 if cuda and not tiny else 1
    size, repeats = (48, 1) if tiny else (112, 5)
    drawn = draw(Clip("flow", size, size, STEPS + 1, 1.0), seed=0)
    frames = [image[:, :, ::-1] for image in drawn]
    batch = torch.from_numpy(np.stack(frames)).permute(3, 0, 1, 2)
    batch = batch.expand(samples, -1, -1, -1, -1).contiguous().to(device)
    solver, host = MODELS.build(dict(type="TVL1Flow")).to(device), ComputeFlow()
    solvers = {"TVL1Flow": solver}
    if cuda:
        solvers["compiled TVL1Flow"] = torch.compile(solver)
    sides = {
        name: finished(partial(one, batch), 1, device) for name, one in solvers.items()
    }
    sides["peer"] = lambda: [host.transform(as_sample(frames)) for _ in range(repeats)]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    spent = alternate(sides, rounds)
    torch.set_num_threads(threads)
    where = "the GPU" if cuda else "one core of the CPU"
    peer = [seconds / repeats for seconds in spent["peer"]]
    note = f"{STEPS} pairs of {size} x {size}; {samples} at once on our side"
    for name in solvers:
        ours = [seconds / samples for seconds in spent[name]]
        name = f"flow of a sample, {name} on {where}, by DIS medium on one core"
        yield result("17", name, ours, peer, None, 1000, "ms a sample", note)


def as_sample(frames: list[np.ndarray]) -> dict:
    """What ``ComputeFlow`` reads."""
    steps = len(frames) - 1
    times = np.arange(steps + 1.0)[None]
    sample = dict(imgs=frames, clip_len=steps, num_clips=1, frame_times=times)
    return dict(sample, presence=dict(flow=True))


def flow_error(device: torch.device, tiny: bool) -> list[Result]:
    """End-point errors on translations whose flow is known, both rounded to levels."""
    solver = MODELS.build(dict(type="TVL1Flow")).to(device)
    host = ComputeFlow()

    def tvl1(*images: np.ndarray) -> np.ndarray:
        frames = np.stack([cv2.cvtColor(one, cv2.COLOR_GRAY2RGB) for one in images])
        batch = torch.from_numpy(frames).permute(3, 0, 1, 2)[None]
        return solver(batch.to(device))[0, :, 0].cpu().numpy().transpose(1, 2, 0)

    def dis(*images: np.ndarray) -> np.ndarray:
        frames = [cv2.cvtColor(one, cv2.COLOR_GRAY2RGB) for one in images]
        return host.transform(as_sample(frames))["flow"][0, :, 0].transpose(1, 2, 0)

    pairs = list(translations(range(1, 3 if tiny else 9)))
    ours, peer = (end_point_errors(one, pairs, 16) for one in (tvl1, dis))
    name = "end-point error on translations of 1 to 8 px, TVL1Flow by DIS medium"
    note = "both rounded to levels of 0.157 px, which alone is about 0.06 px"
    both = result("17", name, ours, peer, unit="px", note=note)
    name = "mean end-point error of TVL1Flow on them"
    note = "the ratio is the error itself; peer: DIS"
    mine, theirs = float(np.mean(ours)), float(np.mean(peer))
    spread = quartiles(ours)
    return [both, Result("17", name, mine, spread, 0.1, mine, theirs, "px", note)]


def loops(device: torch.device, tiny: bool) -> Iterator[Result]:
    """How much of a real training the device waits, by files and place of the flow."""
    with tempfile.TemporaryDirectory() as folder:
        small = (Clip("tiny.mp4", 96, 80, fps=15, seconds=1.5),)
        paths = files(small, Path(folder)) if tiny else files(WEB, MEDIA)
        prepared = [Path(folder, f"prepared_{path.name}") for path in paths]
        for source, target in zip(paths, prepared):
            prepare_media(source, target, TrainingForm())
        media, run = dict(original=paths, prepared=prepared), Path(folder, "run")
        for kind, where, compiled in LOOPS[::2] if tiny else LOOPS:
            found = waiting(FLOW[where], media[kind], run, device, tiny, compiled)
            gaps, busy = found.gaps, found.busy
            name = f"share of training in which the device waits, {kind} files, "
            name += f"flow on the {where}{', compile=True' if compiled else ''}"
            note = f"ours: waiting, peer: at work; {found.workers} loader processes, "
            note += f"batch {found.batch_size}, float32; the loop's timer: "
            note += f"{found.waited_for_data:.2f} for data"
            spread = quartiles([one / (one + two) for one, two in zip(gaps, busy)])
            ratio = sum(gaps) / (sum(gaps) + sum(busy))
            pair = (1000 * median(gaps), 1000 * median(busy))
            yield Result("17", name, ratio, spread, None, *pair, "ms a step", note)


def measure(
    device: str = "cuda", rounds: int = 10, tiny: bool = False
) -> Iterator[Result]:
    register_all_modules(init_default_scope=True)
    place = torch.device(device)
    missing = place.type == "cuda" and not torch.cuda.is_available()
    if missing:
        place = torch.device("cpu")
        for name in ("training step", "share of training in which it waits"):
            yield Result("17", f"{name}, on a GPU", None, note="no GPU")
    else:
        for samples in (2,) if tiny else (32, 256):
            yield from steps(place, rounds, tiny, samples)
    yield from flow_cost(place, rounds, tiny)
    yield from flow_error(place, tiny)
    if not missing:
        yield from loops(place, tiny)


if __name__ == "__main__":
    script(measure)
