"""Multiply-adds and parameters of a recognizer, in all and per stream.

mim run mmstconv get_flops CONFIG

MMAction2's tool of this name feeds a model one tensor of a given shape. Here each
stream gets what the config's validation pipeline makes of a video file.
"""

import argparse
import tempfile
from pathlib import Path

from mmstconv.disk import print_any_name


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", help="config file path")
    return parser.parse_args()


def one_sample(pipeline):
    """A batch of one generated file: 4 seconds of 320 x 240 with sound.

    For a pipeline that opens extracted frames, a folder of images.
    """
    import cv2
    import numpy as np
    from mmengine.dataset import Compose, pseudo_collate

    from mmstconv.media import write_media

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "generated.mp4")
        frames = np.random.default_rng(0).integers(0, 256, (40, 240, 320, 3), np.uint8)
        template = pipeline[0].get("template", "img_{:05}.jpg")
        if pipeline[0]["type"] == "OpenRawFrames":
            path.mkdir()
            for number, frame in enumerate(frames, 1):
                cv2.imwrite(str(path / template.format(number)), frame)
        else:
            write_media(path, frames, 10, np.zeros(64000, np.float32), 16000)
        info = dict(filename=str(path), label=0, start_index=0, modality="RGB")
        return pseudo_collate([Compose(pipeline)(info)])


def multiply_adds(module, *inputs):
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    # oneDNN's LSTM is one operator that PyTorch does not count, its plain one is
    with torch.backends.mkldnn.flags(enabled=False), torch.no_grad():
        with FlopCounterMode(display=False) as counter:
            module(*inputs)
    return counter.get_total_flops() // 2


def count(cfg):
    """``{part: (multiply-adds, parameters, shape of its input)}``, the whole first."""
    from mmaction.registry import MODELS
    from mmengine.registry import init_default_scope

    init_default_scope(cfg.get("default_scope", "mmaction"))
    model = MODELS.build(cfg.model).eval()
    batch = one_sample(cfg.val_dataloader.dataset.pipeline)
    inputs = model.data_preprocessor(batch)["inputs"]
    parts = {"all": (model, inputs)}
    for name, stream in model.streams.items():
        parts[name] = (stream, inputs[name].flatten(0, 1))
    return {
        part: (
            multiply_adds(module, x),
            sum(parameter.numel() for parameter in module.parameters()),
            () if part == "all" else tuple(x.shape),
        )
        for part, (module, x) in parts.items()
    }


def main():
    print_any_name()
    args = parse_args()
    from mmstconv.engine.configs import read_config, require_model
    from mmstconv.engine.messages import short_errors

    with short_errors("get_flops"):
        cfg = read_config(args.config)
        require_model(cfg, args.config)
        show(count(cfg))


def show(counts):
    print("part   10^9 multiply-adds  10^6 parameters  input")
    for part, (operations, parameters, shape) in counts.items():
        row = f"{part:6} {operations / 1e9:18.3f}  {parameters / 1e6:15.3f}  {shape}"
        print(row.removesuffix("()").rstrip())


if __name__ == "__main__":
    main()
