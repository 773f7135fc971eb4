"""Rows 8, 8b and 11: the default tri-modal model, its parts, and a stock one.

    python tools/benchmarks/bench_models.py [--rows 8]

Rows 8 and 8b are loss and backward of configs/_base_/models/stlite_trimodal.py from
preprocessed inputs. Row 8's peer is MMAction2's C3D with its I3DHead on the same RGB
clips; row 8b's is our RGB stream alone, and its lines without a goal are what the other
streams take, flow also at the size of RGB. Row 11 is one prediction with the scores of
every subset of the modalities by a prediction of all modalities together.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import torch
from measuring import Result, alternate, one_core, result, script
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmaction.utils import register_all_modules
from mmengine.config import Config
from pipelines import CONFIGS
from torch import Tensor, nn

import mmstconv.models  # noqa: F401

STLITE = CONFIGS / "_base_/models/stlite_trimodal.py"
CLASSES = 101


def shapes(size: int = 112, flow_size: int = 56, steps: int = 134) -> dict[str, tuple]:
    """One clip of each modality; the default model's config gives the default sizes."""
    return dict(
        rgb=(3, 16, size, size), flow=(2, 16, flow_size, flow_size), audio=(64, steps)
    )


def recognizer(only: str | None = None) -> nn.Module:
    """The default tri-modal model, or that with one of its streams."""
    register_all_modules(init_default_scope=True)
    model = Config.fromfile(STLITE).model
    model.data_preprocessor = None
    for name in list(model.streams) if only else ():
        if name != only:
            del model.streams[name]
    model.cls_head.num_classes = CLASSES
    return MODELS.build(model)


def stock_c3d() -> nn.Module:
    """MMAction2's C3D recognizer of RGB."""
    register_all_modules(init_default_scope=True)
    head = dict(type="I3DHead", num_classes=CLASSES, in_channels=4096)
    return MODELS.build(
        dict(
            type="Recognizer3D",
            backbone=dict(type="C3D", dropout_ratio=0.5),
            cls_head=dict(head, spatial_type=None, average_clips="prob"),
            data_preprocessor=dict(type="ActionDataPreprocessor"),
        )
    )


def loss_of(
    model: nn.Module, batch: int, sizes: Mapping[str, tuple]
) -> Callable[[], Tensor]:
    """The loss of a batch of noise, with batch statistics and dropout on."""
    model.train()
    samples = [ActionDataSample().set_gt_label(i % CLASSES) for i in range(batch)]
    inputs = {name: torch.randn(batch, 1, *size) for name, size in sizes.items()}
    if not hasattr(model, "streams"):
        inputs = inputs["rgb"]
    return lambda: model.parse_losses(model(inputs, samples, mode="loss"))[0]


def training_step(
    model: nn.Module, batch: int, sizes: Mapping[str, tuple] | None = None
) -> Callable[[], None]:
    """Loss and backward, gradients thrown away."""
    loss = loss_of(model, batch, sizes or shapes())

    def step() -> None:
        loss().backward()
        model.zero_grad(set_to_none=True)

    return step


def beside(
    row: str, sides: Mapping[str, Callable], batch: int, rounds: int, goal: float
) -> Iterator[Result]:
    """Every side by the last one; the first one has the goal."""
    spent = alternate(sides, rounds)
    *names, peer = sides
    note = f"{torch.get_num_threads()} threads, batch {batch}, float32"
    for name in names:
        what, most = f"{name} by {peer}", goal if name == names[0] else None
        pair = spent[name], spent[peer]
        yield result(row, what, *pair, most, 1000 / batch, "ms a clip", note)


def subsets(rounds: int) -> Result:
    """Row 11, on one core in CPU time."""
    model = recognizer().eval()
    inputs = {name: torch.randn(2, 2, *size) for name, size in shapes().items()}
    data_samples = [ActionDataSample().set_gt_label(0) for _ in range(2)]

    def predict(every: bool):
        model.cls_head.score_subsets = every
        with torch.no_grad():
            return model(inputs, data_samples, mode="predict")

    one_core()
    sides = {every: partial(predict, every) for every in (True, False)}
    pair = alternate(sides, rounds, clock=time.process_time).values()
    name = f"all {len(predict(True)[0].subset_scores)} subsets (none included) by one"
    note = "2 samples of 2 clips on one core, CPU time"
    return result("11", name, *pair, 1.1, 1000, "ms a batch", note)


def measure(rows: tuple = ("8", "8b", "11"), rounds: int = 9) -> Iterator[Result]:
    torch.manual_seed(0)
    if "8" in rows:
        sides = {
            "default tri-modal model": training_step(recognizer(), 2),
            "MMAction2's C3D on RGB": training_step(stock_c3d(), 2),
        }
        yield from beside("8", sides, 2, rounds, 0.15)
    if "8b" in rows:
        every, large = recognizer(), shapes(flow_size=112)
        rgb, flow, audio = (recognizer(only=name) for name in every.streams)
        sides = {
            "three": training_step(every, 4),
            "three, flow at 112 x 112": training_step(every, 4, large),
            "flow alone": training_step(flow, 4),
            "flow alone at 112 x 112": training_step(flow, 4, large),
            "audio alone": training_step(audio, 4),
            "RGB alone": training_step(rgb, 4),
        }
        yield from beside("8b", sides, 4, rounds, 1.0)
    if "11" in rows:
        yield subsets(2 * rounds + 3)


if __name__ == "__main__":
    script(measure)
