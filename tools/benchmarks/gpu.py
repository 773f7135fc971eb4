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
from torch import nn

import mmstconv  # noqa: F401
from mmstconv.datasets import ComputeFlow
from mmstconv.engine import CPUAmpOptimWrapper
from mmstconv.media.writing.preparing import TrainingForm, prepare_media

FOLDER = Path(__file__).resolve().parents[2] / "configs/recognition/stconvnet"
NAME = "stlite_lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio"
HOST_FLOW, DEVICE_FLOW = FOLDER / f"{NAME}.py", FOLDER / f"{NAME}_device-flow.py"
STEPS = 16  # frames of a clip
VARIANTS = {
    "AMP bfloat16": dict(dtype="bfloat16"),
    "AMP float16": dict(dtype="float16"),
    "torch.compile": dict(compiled=True),
    "AMP bfloat16, torch.compile": dict(dtype="bfloat16", compiled=True),
}

#: Files, where flow is computed, and whether with ``compile=True``.
LOOPS = (
    ("original", "host", False),
    ("original", "device", False),
    ("prepared", "host", False),
    ("prepared", "device", False),
    ("prepared", "device", True),
)


def batch_of(samples: int, size: int, device: torch.device) -> dict:
    """Random inputs as the data loader gives them, on the device already."""
    generator = torch.Generator().manual_seed(0)
    rgb = torch.randint(0, 256, (1, 3, STEPS, size, size), generator=generator)
    inputs = dict(
        rgb=rgb.byte(),
        flow=torch.randn(1, 2, STEPS, size // 2, size // 2, generator=generator),
        audio=torch.randn(1, 64, 134, generator=generator) - 8,
    )
    return dict(
        inputs={name: [one.to(device)] * samples for name, one in inputs.items()},
        data_samples=[
            ActionDataSample(metainfo=dict(filename="drawn")).set_gt_label(row % 101)
            for row in range(samples)
        ],
    )


def step_of(
    model: nn.Module,
    batch: Mapping,
    *,
    dtype: str | None = None,
    compiled: bool = False,
    backend: str = "inductor",
) -> Callable[[], dict]:
    """A training step of a copy of the model."""
    model = copy.deepcopy(model).train()
    device = next(model.parameters()).device
    if compiled:
        for stream in model.streams.values():
            stream.backbone.compile(backend=backend)
    wrapper = dict(optimizer=torch.optim.Adam(model.parameters(), lr=1e-3, fused=True))
    if dtype is None:
        optim_wrapper = OptimWrapper(**wrapper)
    elif device.type == "cuda":
        optim_wrapper = AmpOptimWrapper(dtype=dtype, **wrapper)
    else:
        optim_wrapper = CPUAmpOptimWrapper(**wrapper)  # bfloat16
    return lambda: model.train_step(batch, optim_wrapper)


def finished(step: Callable[[], object], count: int, device: torch.device):
    """``count`` times ``step``, then wait until the device has done it."""

    def work() -> None:
        for _ in range(count):
            step()
        if device.type == "cuda":
            torch.cuda.synchronize()

    return work


def peak(step: Callable[[], object], device: torch.device) -> float | None:
    """MiB that a step needs beyond what is there before it."""
    if device.type != "cuda":
        step()
        return None
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    step()
    torch.cuda.synchronize()
    return (torch.cuda.max_memory_allocated() - before) / 2**20


def at_work(step: Callable[[], object], device: torch.device) -> float | None:
    """Milliseconds of a step in which kernels run."""
    if device.type != "cuda":
        return None
    activities = [torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities) as profile:
        finished(step, 3, device)()
    return sum(one.self_device_time_total for one in profile.key_averages()) / 3000


def steps(
    device: torch.device, rounds: int, tiny: bool, samples: int
) -> Iterator[Result]:
    """Each variant beside eager float32."""
    model = MODELS.build(Config.fromfile(HOST_FLOW).model).to(device)
    batch = batch_of(samples, 32 if tiny else 112, device)
    count, backend = (1, "eager") if tiny else (5, "inductor")
    eager = step_of(model, batch)
    memory, busy = peak(eager, device), at_work(eager, device)
    for name, options in VARIANTS.items():
        step = step_of(model, batch, backend=backend, **options)
        sides = [finished(side, count, device) for side in (step, eager)]
        ours, peer = alternate(
            dict(enumerate(sides)), rounds, 1 if tiny else 3
        ).values()
        note = f"batch {samples}"
        if memory is not None:
            note += f"; peak {peak(step, device):.0f} of {memory:.0f} MiB"
            note += f"; GPU at work {at_work(step, device):.1f} by {busy:.1f} ms"
        name = f"training step, {name}, by eager float32"
        yield result("17", name, ours, peer, None, 1000 / count, "ms a step", note)
        torch.compiler.reset()


def flow_cost(device: torch.device, rounds: int, tiny: bool) -> Iterator[Result]:
    """A sample's flow: a share of a batch on the device, DIS on one core."""
    samples = 1 if tiny or device.type == "cpu" else 32
    size, repeats = (48, 1) if tiny else (112, 5)
    drawn = draw(Clip("flow", size, size, STEPS + 1, 1.0), seed=0)
    frames = [image[:, :, ::-1] for image in drawn]
    solver = MODELS.build(dict(type="TVL1Flow")).to(device)
    batch = torch.from_numpy(np.stack(frames)).permute(3, 0, 1, 2)
    batch = batch.expand(samples, -1, -1, -1, -1).contiguous().to(device)
    solvers = {"TVL1Flow": solver}
    if device.type == "cuda":
        solvers["compiled TVL1Flow"] = torch.compile(solver)
    sides = {
        name: finished(partial(one, batch), 1, device) for name, one in solvers.items()
    }
    host = ComputeFlow()
    sides["peer"] = lambda: [host.transform(as_sample(frames)) for _ in range(repeats)]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        spent = alternate(sides, rounds)
    finally:
        torch.set_num_threads(threads)
    where = "one core of the CPU" if device.type == "cpu" else "the GPU"
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
        for kind, where, compiled in LOOPS[::2] if tiny else LOOPS:
            config = HOST_FLOW if where == "host" else DEVICE_FLOW
            media = paths if kind == "original" else prepared
            run = Path(folder, "run")
            found = waiting(config, media, run, device, tiny, compiled)
            shares = [gap / (gap + busy) for gap, busy in zip(found.gaps, found.busy)]
            yield Result(
                "17",
                f"share of training in which the device waits, {kind} files, flow on "
                f"the {where}{', compile=True' if compiled else ''}",
                sum(found.gaps) / (sum(found.gaps) + sum(found.busy)),
                quartiles(shares),
                ours=median(found.gaps) * 1000,
                peer=median(found.busy) * 1000,
                unit="ms a step",
                note=f"ours: waiting, peer: at work; {found.workers} loader processes, "
                f"batch {found.batch_size}, float32; the loop's timer: "
                f"{found.waited_for_data:.2f} for data",
            )


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
