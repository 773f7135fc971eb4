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
from pipelines import CONFIGS, stock_rgb, trimodal
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
    """A stream of ours as the backbone of MMAction2's ``RecognizerAudio``.

    Shape:
        - Input: ``(N, 1, T, F)``.
        - Output: ``(N, D, T', 1)``.
    """

    def __init__(self, stream: dict, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.stream = MODELS.build(dict(type="ConvStream", **stream))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x, _ = self.stream(x[:, 0].transpose(1, 2))  # (N, T', D)
        return x.transpose(1, 2)[..., None]


def write_lists(
    videos: list[Path], frames: list[int], folder: Path, prepared: Path
) -> dict[str, str]:
    """Annotation files: of videos, also prepared, of flow images, of audio features.

    Args:
        videos: Each a class of its own; may be there several times.
        frames: Of each.
        folder: Where the files are written.
        prepared: Folder of the prepared videos.
    """
    labels = {path: label for label, path in enumerate(dict.fromkeys(videos))}
    names = ("video", "prepared", "flow", "audio")
    lines: dict[str, list[str]] = {name: [] for name in names}
    for path, count in zip(videos, frames):
        label = labels[path]
        lines["video"].append(f"{path} {label}")
        lines["prepared"].append(f"{prepared / path.name} {label}")
        lines["flow"].append(f"{path.stem} {count - 1} {label}")
        lines["audio"].append(f"{path.stem}.npy {count} {label}")
    lists = {}
    for name, text in lines.items():
        (folder / f"{name}.txt").write_text("\n".join(text) + "\n")
        lists[name] = str(folder / f"{name}.txt")
    return lists


def seconds_of(work: Callable[..., object], *arguments) -> float:
    """How long a call takes."""
    # The loader processes of the training before would be waited for in this one, and
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
    rate = dict(fps=fps / INTERVAL)
    (flow,) = (step for step in cfg.train_pipeline if step.type == "ComputeFlow")
    pipeline = trimodal(SampleClips=rate, ComputeFlow=flow.to_dict())
    return shared(
        cfg,
        work_dir,
        loading,
        dict(
            type="MultiModalVideoDataset",
            ann_file=ann_file,
            pipeline=pipeline,
            num_classes=cfg.model.cls_head.num_classes,
        ),
        "ResumableSampler",
    )


def peer(modality: str, lists: dict[str, str], folder: Path, loading: dict) -> Config:
    """MMAction2's training of one modality with our stream in its recognizer.

    Args:
        modality: ``'rgb'``, ``'flow'`` or ``'audio'``.
        lists: Annotation files, see :func:`write_lists`.
        folder: Where flow images (``flow``) and features (``audio``) are.
        loading: Of the loader, ``batch_size`` and ``num_workers``.
    """
    base = Config.fromfile(OURS)
    stream = base.model.streams[modality].to_dict()
    width = MODELS.build(dict(stream["backbone"])).out_channels
    stream["neck"] = dict(stream["neck"], in_channels=width)
    head = dict(num_classes=base.model.cls_head.num_classes, dropout_ratio=0.5)
    head["in_channels"] = stream["neck"]["hidden_channels"]
    if modality == "audio":
        model = dict(
            type="RecognizerAudio",
            backbone=dict(type="FeatureStream", stream=stream),
            cls_head=dict(type="TSNAudioHead", **head),
        )
    else:
        channels = dict(rgb=3, flow=2)[modality]
        model = dict(
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
    cfg = Config.fromfile(STOCK)
    cfg.model = model
    cfg.optim_wrapper = base.optim_wrapper
    cfg.train_cfg = dict(type="EpochBasedTrainLoop")
    data = data_of(modality, lists, folder)
    return shared(cfg, folder / modality, loading, data, "DefaultSampler")


def data_of(modality: str, lists: dict[str, str], folder: Path) -> dict:
    """MMAction2's data set of a modality, with the pipeline of its configs."""
    # 56 pixels as ours, of images instead of a video
    _, sampling, _, *rest = stock_rgb(size=56, interval=INTERVAL)
    features = [
        dict(type="LoadAudioFeature"),
        dict(type="SampleFrames", clip_len=16, frame_interval=INTERVAL),
        dict(type="AudioFeatureSelector"),
        dict(type="FormatAudioShape", input_format="NCTF"),
        dict(type="PackActionInputs"),
    ]
    return dict(
        rgb=dict(
            type="VideoDataset",
            ann_file=lists["video"],
            pipeline=stock_rgb(interval=INTERVAL),
        ),
        flow=dict(
            type="RawframeDataset",
            ann_file=lists["flow"],
            data_prefix=dict(img=str(folder / "flow")),
            filename_tmpl="flow_{}_{:05d}.jpg",
            modality="Flow",
            pipeline=[sampling, dict(type="RawFrameDecode"), *rest],
        ),
        audio=dict(
            type="AudioDataset",
            ann_file=lists["audio"],
            data_prefix=dict(audio=str(folder / "audio")),
            pipeline=features,
        ),
    )[modality]


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
    for name in ("val", "test"):
        for part in ("dataloader", "cfg", "evaluator"):
            cfg[f"{name}_{part}"] = None
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
