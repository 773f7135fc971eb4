"""Long files and a model for the benchmarks of long videos and of streams."""

from __future__ import annotations

from pathlib import Path

import av
import torch
from bench_clips import FOLDER, Clip, write
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

import mmstconv  # noqa: F401

CONFIG = (
    Path(__file__).resolve().parents[2]
    / "configs/recognition/stconvnet"
    / "stlite_unpadded-lstm_1xb32-32f-50e_ucf101-split1-rgb-flow-audio.py"
)


def looped(clip: Clip, seconds: float, folder: Path = FOLDER) -> Path:
    """A clip's packets again and again, until so many seconds are full.

    Nothing is encoded anew: an hour takes a few seconds to write.
    """
    source = write(clip, seed=1, folder=folder)
    path = folder / f"{source.stem}_{seconds:g}s{source.suffix}"
    if path.exists():
        return path
    beginning = path.with_name(f"unfinished_{path.name}")
    with av.open(str(beginning), "w") as writer:
        streams: dict[int, av.stream.Stream] = {}
        last: dict[int, int] = {}
        for loop in range(-(-int(seconds) // round(clip.seconds))):
            with av.open(str(source)) as reader:
                for stream in reader.streams:
                    if loop == 0:
                        streams[stream.index] = writer.add_stream_from_template(stream)
                for packet in reader.demux():
                    if packet.size:
                        repeat(packet, loop * clip.seconds, streams, last, writer)
    return beginning.rename(path)


def repeat(packet, shift: float, streams: dict, last: dict, writer) -> None:
    """Writes a packet so many seconds later, unless that is before what is there:
    the last block of sound may be longer than the clip."""
    index = packet.stream.index
    ticks = round(shift / packet.time_base)
    packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
    if packet.dts > last.get(index, packet.dts - 1):
        last[index] = packet.dts
        packet.stream = streams[index]
        writer.mux(packet)


def build_model(size: int = 112, fps: int = 12):
    """The default network for long videos, untrained, and with its config.

    Args:
        size: Of the frames it sees, in pixels.
        fps: Of the frames of a window.
    """
    init_default_scope("mmaction")
    torch.manual_seed(0)
    cfg = Config.fromfile(CONFIG)
    for step in cfg.test_pipeline:
        if step.type == "LoadFrames":
            step.short_side = size * 8 // 7
        if step.type == "SampleClips":
            step.fps = fps
        if step.type == "CenterCrop":
            step.crop_size = size
    model = MODELS.build(cfg.model).eval()
    model.cfg = cfg
    return model
