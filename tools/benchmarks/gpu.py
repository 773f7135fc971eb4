"""Row 17: the default tri-modal model on a GPU.

    python tools/benchmarks/gpu.py

- A training step (``train_step`` of the model with MMEngine's optimizer wrapper, fused
  Adam, on the device already): AMP, ``torch.compile`` and both beside eager float32,
  for batches of 32 and 256. Peak memory of each, and how long the GPU is at work in it:
  where that is far less than the step, the host is the bound.
- Flow on the device (``TVL1Flow``, a whole batch) beside ``ComputeFlow`` (DIS on one
  core of the host), per sample; and the end-point errors of the two.
- The share of a short training (Runner, loader and hooks, on drawn clips) in which the
  GPU waits: between steps by CUDA events, and for data by the loop's own timer. Files
  as they come and prepared ones, flow on the host and on the device.

Without a GPU only the flow is measured, on a core of the CPU. ``--device cpu --tiny``
runs everything else on small sizes there, to see that it runs.
"""

from __future__ import annotations

import argparse
import copy
import tempfile
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import bench_clips
import cv2
import measuring
import numpy as np
import torch
from flow_truth import translations
from gpu_loop import waiting
from measuring import Result
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmaction.utils import register_all_modules
from mmengine.config import Config
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from torch import nn

import mmstconv  # noqa: F401
from mmstconv.datasets import ComputeFlow
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


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--tiny", action="store_true", help="small sizes, to try it")
    return parser.parse_args()


# ------------------------------------------------------------------------ steps


class AutocastWrapper(OptimWrapper):
    """For CPUs, which MMEngine's ``AmpOptimWrapper`` refuses."""

    def __init__(self, *, dtype: str, **kwargs) -> None:
        super().__init__(**kwargs)
        self.dtype = getattr(torch, dtype)

    @contextmanager
    def optim_context(self, model: nn.Module):
        with super().optim_context(model), torch.autocast("cpu", self.dtype):
            yield


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
        optim_wrapper = AutocastWrapper(dtype=dtype, **wrapper)
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


def steps(device: torch.device, rounds: int, tiny: bool, samples: int) -> list[Result]:
    """Each variant beside eager float32."""
    model = MODELS.build(Config.fromfile(HOST_FLOW).model).to(device)
    batch = batch_of(samples, 32 if tiny else 112, device)
    count = 1 if tiny else 5
    backend = "eager" if tiny else "inductor"
    eager = step_of(model, batch)
    memory, busy = peak(eager, device), at_work(eager, device)
    results = []
    for name, options in VARIANTS.items():
        ours = step_of(model, batch, backend=backend, **options)
        sides = dict(
            ours=finished(ours, count, device), peer=finished(eager, count, device)
        )
        spent = measuring.alternate(sides, rounds, warmup=1 if tiny else 3)
        note = f"batch {samples}"
        if memory is not None:
            note += f"; peak {peak(ours, device):.0f} of {memory:.0f} MiB"
            note += f"; GPU at work {at_work(ours, device):.1f} by {busy:.1f} ms"
        results.append(
            measuring.result(
                "17",
                f"training step, {name}, by eager float32",
                spent["ours"],
                spent["peer"],
                None,
                scale=1000 / count,
                unit="ms a step",
                note=note,
            )
        )
        torch.compiler.reset()
    return results


# ------------------------------------------------------------------------- flow


def flow_cost(device: torch.device, rounds: int, tiny: bool) -> list[Result]:
    """A sample's flow: a share of a batch on the device, DIS on one core."""
    samples, size = (1, 48) if tiny or device.type == "cpu" else (32, 112)
    size = 48 if tiny else 112
    frames = [
        image[:, :, ::-1]
        for image in bench_clips.draw(
            bench_clips.Clip("flow", size, size, STEPS + 1, 1.0), seed=0
        )
    ]
    solver = MODELS.build(dict(type="TVL1Flow")).to(device)
    batch = torch.from_numpy(np.stack(frames)).permute(3, 0, 1, 2)
    batch = batch.expand(samples, -1, -1, -1, -1).contiguous().to(device)
    solvers = {"TVL1Flow": solver}
    if device.type == "cuda":
        solvers["compiled TVL1Flow"] = torch.compile(solver)
    host = ComputeFlow()
    sample = dict(
        imgs=frames,
        clip_len=STEPS,
        num_clips=1,
        frame_times=np.arange(STEPS + 1.0)[None],
        presence=dict(flow=True),
    )
    repeats = 1 if tiny else 5
    sides = {
        name: finished(partial(one, batch), 1, device) for name, one in solvers.items()
    }
    sides["peer"] = lambda: [host.transform(dict(sample)) for _ in range(repeats)]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        spent = measuring.alternate(sides, rounds)
    finally:
        torch.set_num_threads(threads)
    where = "one core of the CPU" if device.type == "cpu" else "the GPU"
    return [
        measuring.result(
            "17",
            f"flow of a sample, {name} on {where}, by DIS medium on one core",
            [seconds / samples for seconds in spent[name]],
            [seconds / repeats for seconds in spent["peer"]],
            None,
            scale=1000,
            unit="ms a sample",
            note=f"{STEPS} pairs of {size} x {size}; {samples} at once on our side",
        )
        for name in solvers
    ]


def flow_error(device: torch.device, tiny: bool) -> list[Result]:
    """End-point errors on translations whose flow is known, both rounded to levels."""
    solver = MODELS.build(dict(type="TVL1Flow")).to(device)
    host = ComputeFlow()
    ours, peer = [], []
    for first, second, shift in translations(range(1, 3 if tiny else 9)):
        frames = [cv2.cvtColor(one, cv2.COLOR_GRAY2RGB) for one in (first, second)]
        sample = dict(imgs=frames, clip_len=1, num_clips=1, presence=dict(flow=True))
        sample["frame_times"] = np.arange(2.0)[None]
        dis = host.transform(sample)["flow"][0, :, 0]
        batch = torch.from_numpy(np.stack(frames)).permute(3, 0, 1, 2)[None]
        tvl1 = solver(batch.to(device))[0, :, 0].cpu().numpy()
        for found, errors in ((tvl1, ours), (dis, peer)):
            away = np.hypot(*(found - np.reshape(shift, (2, 1, 1))))
            errors.append(float(away[16:-16, 16:-16].mean()))
    name = "end-point error on translations of 1 to 8 px, TVL1Flow by DIS medium"
    note = "both rounded to levels of 0.157 px, which alone is about 0.06 px"
    return [
        measuring.result("17", name, ours, peer, None, unit="px", note=note),
        Result(
            "17",
            "mean end-point error of TVL1Flow on them",
            ratio=float(np.mean(ours)),
            spread=measuring.quartiles(ours),
            goal=0.1,
            ours=float(np.mean(ours)),
            peer=float(np.mean(peer)),
            unit="px",
            note="the ratio is the error itself; peer: DIS",
        ),
    ]


# ---------------------------------------------------------------------- waiting


def loops(device: torch.device, tiny: bool) -> list[Result]:
    """How much of a real training the device waits, by files and place of the flow."""
    results = []
    with tempfile.TemporaryDirectory() as folder:
        clips = bench_clips.WEB
        if tiny:
            clips = (bench_clips.Clip("tiny.mp4", 96, 80, fps=15, seconds=1.5),)
        media = Path(folder) if tiny else bench_clips.FOLDER
        paths = bench_clips.files(clips, media)
        prepared = [Path(folder, f"prepared_{path.name}") for path in paths]
        for source, target in zip(paths, prepared):
            prepare_media(source, target, TrainingForm())
        for files, where, compiled in LOOPS[::2] if tiny else LOOPS:
            found = waiting(
                HOST_FLOW if where == "host" else DEVICE_FLOW,
                paths if files == "original" else prepared,
                Path(folder, "run"),
                device,
                tiny,
                compiled,
            )
            shares = [gap / (gap + busy) for gap, busy in zip(found.gaps, found.busy)]
            results.append(
                Result(
                    "17",
                    f"share of training in which the device waits, {files} files, flow "
                    f"on the {where}{', compile=True' if compiled else ''}",
                    ratio=sum(found.gaps) / (sum(found.gaps) + sum(found.busy)),
                    spread=measuring.quartiles(shares),
                    goal=None,
                    ours=median(found.gaps) * 1000,
                    peer=median(found.busy) * 1000,
                    unit="ms a step",
                    note=f"ours: waiting, peer: at work; {found.workers} loader "
                    f"processes, batch {found.batch_size}, float32; the loop's timer: "
                    f"{sum(found.data_times) / sum(found.times):.2f} for data",
                )
            )
    return results


def main() -> None:
    args = parse_args()
    register_all_modules(init_default_scope=True)
    device = torch.device(args.device)
    missing = device.type == "cuda" and not torch.cuda.is_available()
    results: list[Result] = []
    if missing:
        device = torch.device("cpu")
        blank = dict(goal=None, ours=None, peer=None, note="no GPU")
        names = ["training step on a GPU", "share of training in which the GPU waits"]
        results += [Result("17", name, None, None, **blank) for name in names]
    if not missing:
        for samples in (2,) if args.tiny else (32, 256):
            results += steps(device, args.rounds, args.tiny, samples)
    results += flow_cost(device, args.rounds, args.tiny)
    results += flow_error(device, args.tiny)
    if not missing:
        results += loops(device, args.tiny)
    name = torch.cuda.get_device_name() if device.type == "cuda" else "the CPU"
    print(f"on {name}, torch {torch.__version__}")
    measuring.report(results)


if __name__ == "__main__":
    main()
