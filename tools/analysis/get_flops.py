"""Multiply-adds and parameters of a recognizer, in all and per stream.

mim run mmstconv get_flops CONFIG

MMAction2's tool of this name feeds a model one tensor of a given shape. Here each
stream gets what the config's validation pipeline makes of a video file.
"""

import argparse
import math
import tempfile
from pathlib import Path

import numpy as np
from mmengine.analysis import FlopAnalyzer, parameter_count
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope
from torch import nn

from mmstconv.media import write_media


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", help="config file path")
    return parser.parse_args()


class OnTensors(nn.Module):
    """The model as a function of tensors, which is what can be traced."""

    def __init__(self, model, names):
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *tensors):
        return self.model(dict(zip(self.names, tensors)), mode="tensor")


def lstm_flops(inputs, _):
    """Each weight once a time step; MMEngine counts nothing for ``aten::lstm``."""
    sizes = inputs[0].type().sizes()  # (N, T, D)
    weights = (value.type().sizes() for value in inputs[2].node().inputs())
    return math.prod(sizes[:2]) * sum(math.prod(w) for w in weights if len(w) == 2)


def one_sample(pipeline):
    """A batch of one generated file: 4 seconds of 320 x 240 with sound."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "generated.mp4")
        frames = np.random.default_rng(0).integers(0, 256, (40, 240, 320, 3), np.uint8)
        write_media(path, frames, 10, np.zeros(64000, np.float32), 16000)
        info = dict(filename=str(path), label=0, start_index=0, modality="RGB")
        return pseudo_collate([Compose(pipeline)(info)])


def count(cfg):
    """``{part: (shape of its input, multiply-adds, parameters)}``, the whole first."""
    from mmaction.registry import MODELS

    init_default_scope(cfg.get("default_scope", "mmaction"))
    model = MODELS.build(cfg.model).eval()
    batch = one_sample(cfg.val_dataloader.dataset.pipeline)
    inputs = model.data_preprocessor(batch)["inputs"]
    traced = OnTensors(model, list(inputs))
    flops = FlopAnalyzer(traced, tuple(inputs.values()))
    flops.set_op_handle("aten::lstm", lstm_flops).unsupported_ops_warnings(False)
    flops.uncalled_modules_warnings(False)
    parameters = parameter_count(traced)
    parts = {"all": "model"}
    parts.update({name: f"model.streams.{name}" for name in model.streams})
    return {
        part: (
            tuple(inputs[part].shape) if part in inputs else (),
            flops.total(module),
            parameters[module],
        )
        for part, module in parts.items()
    }


def main():
    for part, (shape, flops, parameters) in count(
        Config.fromfile(parse_args().config)
    ).items():
        print(
            f"{part:6} {flops / 1e9:9.3f} G multiply-adds {parameters / 1e6:8.3f} M "
            f"parameters  {shape or ''}"
        )


if __name__ == "__main__":
    main()
