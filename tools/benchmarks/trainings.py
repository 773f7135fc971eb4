"""The trainings of row 15 as configs: one of ours, three of MMAction2's."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path

import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.model import BaseModule
from mmengine.runner import Runner
from pipelines import CONFIGS, stock_rgb, trimodal, without_tests
from torch.utils.data import _utils

from mmstconv.engine.launch import build_runner

OURS = (
    CONFIGS
    / "recognition/stconvnet/stlite_lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio.py"
)
STOCK = distribution("mmaction2").locate_file(
    "mmaction/.mim/configs/_base_/default_runtime.py"
)
INTERVAL = 2  # every second frame
MODALITIES = ("rgb", "flow", "audio")


@MODELS.register_module(force=True)
class FeatureStream(BaseModule):
    """A stream of ours as the backbone of MMAction2's ``RecognizerAudio``."""

    def __init__(self, stream: dict, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.stream = MODELS.build(dict(type="ConvStream", **stream))

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # (N, 1, T, F)
        x, _ = self.stream(x[:, 0].transpose(1, 2))  # (N, T', D)
        return x.transpose(1, 2)[..., None]  # (N, D, T', 1)


def write_lists(
    videos: list[Path], frames: list[int], folder: Path, prepared: Path
) -> dict[str, str]:
    """Annotation files: of videos, also prepared, of flow images, of audio features.

    Each video is a class of its own and may be there several times.
    """
    labels = {path: label for label, path in enumerate(dict.fromkeys(videos))}
    lines = [
        dict(
            video=f"{path} {labels[path]}",
            prepared=f"{prepared / path.name} {labels[path]}",
            flow=f"{path.stem} {count - 1} {labels[path]}",
            audio=f"{path.stem}.npy {count} {labels[path]}",
        )
        for path, count in zip(videos, frames)
    ]
    lists = {name: folder / f"{name}.txt" for name in lines[0]}
    for name, path in lists.items():
        path.write_text("\n".join(line[name] for line in lines) + "\n")
    return {name: str(path) for name, path in lists.items()}


def seconds_of(work: Callable[..., object], *arguments) -> float:
    """How long a call takes."""
    # Loader processes of the training before would be waited for in this one, and
    # those with decord only end when they are made to.
    _utils.MP_STATUS_CHECK_INTERVAL = 0.1
    gc.collect()
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start


def train_ours(*arguments) -> None:
    """As tools/train.py; see :func:`ours`."""
    build_runner(ours(*arguments), str(OURS), None, "none").train()


def train_plain(*arguments) -> None:
    """The same without what our launcher adds."""
    Runner.from_cfg(ours(*arguments)).train()


def train_peer(*arguments) -> None:
    """As MMAction2's tools/train.py; see :func:`peer`."""
    Runner.from_cfg(peer(*arguments)).train()


def ours(ann_file: str, work_dir: Path, loading: dict, fps: float) -> Config:
    """Our config of the tri-modal training, one epoch of the files of a list."""
    cfg = Config.fromfile(OURS)
    (flow,) = (step for step in cfg.train_pipeline if step.type == "ComputeFlow")
    data = dict(
        type="MultiModalVideoDataset",
        ann_file=ann_file,
        pipeline=trimodal(
            SampleClips=dict(fps=fps / INTERVAL), ComputeFlow=flow.to_dict()
        ),
        num_classes=cfg.model.cls_head.num_classes,
    )
    return shared(cfg, work_dir, loading, data, "ResumableSampler")


def peer(modality: str, lists: dict[str, str], folder: Path, loading: dict) -> Config:
    """MMAction2's training of one modality with our stream in its recognizer; flow
    images and audio features are in ``folder``."""
    base = Config.fromfile(OURS)
    stream = base.model.streams[modality].to_dict()
    neck = stream["neck"]
    neck["in_channels"] = MODELS.build(dict(stream["backbone"])).out_channels
    head = dict(num_classes=base.model.cls_head.num_classes, dropout_ratio=0.5)
    head["in_channels"] = neck["hidden_channels"]
    cfg = Config.fromfile(STOCK)
    if modality == "audio":
        backbone = dict(type="FeatureStream", stream=stream)
        head = dict(type="TSNAudioHead", **head)
        cfg.model = dict(type="RecognizerAudio", backbone=backbone, cls_head=head)
    else:
        channels = dict(rgb=3, flow=2)[modality]
        cfg.model = dict(
            type="Recognizer3D",
            **stream,
            cls_head=dict(type="I3DHead", **head),
            data_preprocessor=dict(
                type="ActionDataPreprocessor",
                mean=[128.0] * channels,
                std=[64.0] * channels,
                format_shape="NCTHW",
            ),
        )
    cfg.optim_wrapper = base.optim_wrapper
    cfg.train_cfg = dict(type="EpochBasedTrainLoop")
    data = data_of(modality, lists, folder)
    return shared(cfg, folder / modality, loading, data, "DefaultSampler")


def data_of(modality: str, lists: dict[str, str], folder: Path) -> dict:
    """MMAction2's data set of a modality, with the pipeline of its configs."""
    # 56 pixels as ours, of images instead of a video
    _, sampling, _, *rest = stock_rgb(size=56, interval=INTERVAL)
    images = [sampling, dict(type="RawFrameDecode"), *rest]
    features = [
        dict(type="LoadAudioFeature"),
        dict(type="SampleFrames", clip_len=16, frame_interval=INTERVAL),
        dict(type="AudioFeatureSelector"),
        dict(type="FormatAudioShape", input_format="NCTF"),
        dict(type="PackActionInputs"),
    ]
    named = dict(filename_tmpl="flow_{}_{:05d}.jpg", modality="Flow")
    data = dict(
        rgb=dict(type="VideoDataset", pipeline=stock_rgb(interval=INTERVAL)),
        flow=dict(
            type="RawframeDataset",
            data_prefix=dict(img=str(folder / "flow")),
            pipeline=images,
            **named,
        ),
        audio=dict(
            type="AudioDataset",
            data_prefix=dict(audio=str(folder / "audio")),
            pipeline=features,
        ),
    )
    listed = lists["video" if modality == "rgb" else modality]
    return dict(data[modality], ann_file=listed)


def shared(
    cfg: Config, work_dir: Path, loading: dict, data: dict, sampler: str
) -> Config:
    """What is the same on both sides: batches, loader processes, an epoch, no tests."""
    cfg.train_dataloader = dict(
        **loading,
        persistent_workers=loading["num_workers"] > 0,
        sampler=dict(type=sampler, shuffle=True),
        dataset=data,
    )
    without_tests(cfg)
    cfg.train_cfg.max_epochs = 1
    cfg.param_scheduler = None
    cfg.default_hooks.checkpoint = dict(
        type=cfg.default_hooks.checkpoint.type, interval=1
    )
    cfg.work_dir = str(work_dir)
    cfg.experiment_name = work_dir.name
    cfg.log_level = "ERROR"
    cfg.randomness = dict(seed=0)
    return cfg
