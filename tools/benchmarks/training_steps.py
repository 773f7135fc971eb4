"""Training steps that processes with settings of their own take in turn."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmaction.utils import register_all_modules
from mmengine.config import Config
from torch import Tensor, nn

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
DEFAULT = "_base_/models/stlite_trimodal.py"
I3D = "recognition/stconvnet/i3d_r50-lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio.py"


def trimodal_loss(
    batch: int, size: int, config: str = DEFAULT
) -> tuple[nn.Module, Callable[[], Tensor]]:
    """A tri-modal model, and what computes its loss on random clips.

    Args:
        batch: Samples.
        size: Pixels of a side of the frames; 16 frames.
        config: Below ``configs/``.
    """
    register_all_modules(init_default_scope=True)
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(CONFIGS / config).model).train()
    inputs = dict(
        rgb=torch.randn(batch, 1, 3, 16, size, size),
        flow=torch.randn(batch, 1, 2, 16, size // 2, size // 2),
        audio=torch.randn(batch, 1, 64, 54),
    )
    samples = [ActionDataSample().set_gt_label(index) for index in range(batch)]

    def loss() -> Tensor:
        return model.parse_losses(model(inputs, samples, mode="loss"))[0]

    return model, loss


def i3d_loss(batch: int, size: int) -> tuple[nn.Module, Callable[[], Tensor]]:
    """MMAction2's I3D-R50 alone, and the mean square of its features.

    Args:
        batch: See :func:`trimodal_loss`.
        size: See :func:`trimodal_loss`.
    """
    register_all_modules(init_default_scope=True)
    torch.manual_seed(0)
    streams = Config.fromfile(CONFIGS / I3D).model.streams
    model = MODELS.build(streams.rgb.backbone)
    model.train()  # which returns None there
    clips = torch.randn(batch, 3, 16, size, size)
    return model, lambda: model(clips).float().square().mean()


class Trainer:
    """A process that takes a step each time it is called.

    Args:
        prepare: Called in the process first, with ``arguments``; returns what takes
            one step. A function of a module, so that the process can import it.
        arguments: Of ``prepare``.
    """

    def __init__(self, prepare: Callable[..., Callable], arguments: Sequence = ()):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(
            target=_serve, args=(theirs, prepare, arguments), daemon=True
        )
        self.process.start()
        theirs.close()

    def __call__(self) -> None:
        """Take a step and wait for its end."""
        self.ask("step")

    def ask(self, what: str) -> dict[str, float]:
        """``seconds``, page ``faults`` and ``peak`` MiB after a ``step`` or ``stop``.

        Raises:
            EOFError: The process has ended, with its own words on stderr.
        """
        self.pipe.send(what)
        return self.pipe.recv()

    def stop(self) -> dict[str, float]:
        """End the process; its peak and the page faults of its latest step."""
        last = self.ask("stop")
        self.process.join()
        return last


def _serve(pipe: Connection, prepare: Callable, arguments: Sequence) -> None:
    step, last = prepare(*arguments), {}
    while pipe.recv() == "step":
        faults, start = _usage().ru_minflt, time.perf_counter()
        step()
        last = dict(
            seconds=time.perf_counter() - start, faults=_usage().ru_minflt - faults
        )
        pipe.send(last)
    pipe.send({**last, "peak": _usage().ru_maxrss / 1024})


def _usage():
    return resource.getrusage(resource.RUSAGE_SELF)
