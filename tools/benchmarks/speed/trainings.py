"""The trainings of row 15 as configs: one of ours, three of MMAction2's."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.model import BaseModule
from pipelines import CONFIGS, stock_rgb, trimodal

OURS = (
    CONFIGS
    / "recognition/stconvnet/stlite_lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio.py"
)
STOCK = distribution("mmaction2").locate_file(
    "mmaction/.mim/configs/_base_/default_runtime.py"
)
INTERVAL = 2  # every second frame
BATCH = 4
WORKERS = 2
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


def write_lists(videos: list[Path], frames: list[int], folder: Path) -> dict[str, str]:
    """Annotation files: of videos, of folders of flow images, of audio features.

    Args:
        videos: Each a class of its own; may be there several times.
        frames: Of each.
        folder: Where the files are written.
    """
    labels = {path: label for label, path in enumerate(dict.fromkeys(videos))}
    lines: dict[str, list[str]] = {"video": [], "flow": [], "audio": []}
    for path, count in zip(videos, frames):
        label = labels[path]
        lines["video"].append(f"{path} {label}")
        lines["flow"].append(f"{path.stem} {count - 1} {label}")
        lines["audio"].append(f"{path.stem}.npy {count} {label}")
    lists = {}
    for name, text in lines.items():
        (folder / f"{name}.txt").write_text("\n".join(text) + "\n")
        lists[name] = str(folder / f"{name}.txt")
    return lists


def ours(lists: dict[str, str], work_dir: Path, epochs: int, fps: float) -> Config:
    """Our config of the tri-modal training, on these files."""
    cfg = Config.fromfile(OURS)
    rate = dict(fps=fps / INTERVAL)
    pipeline = trimodal(SampleClips=rate, ComputeFlow=cfg.half_flow)
    return shared(
        cfg,
        work_dir,
        epochs,
        dict(
            type="MultiModalVideoDataset",
            ann_file=lists["video"],
            pipeline=pipeline,
            num_classes=cfg.model.cls_head.num_classes,
        ),
        "ResumableSampler",
    )


def peer(
    modality: str, lists: dict[str, str], folder: Path, work_dir: Path, epochs: int
) -> Config:
    """MMAction2's training of one modality with our stream in its recognizer.

    Args:
        modality: ``'rgb'``, ``'flow'`` or ``'audio'``.
        lists: Annotation files, see :func:`write_lists`.
        folder: Where flow images (``flow``) and features (``audio``) are.
        work_dir: Of the run.
        epochs: To train.
    """
    base = Config.fromfile(OURS)
    stream = base.model.streams[modality].to_dict()
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
    data = getattr(_Data, modality)(lists, folder)
    return shared(cfg, work_dir, epochs, data, "DefaultSampler")


class _Data:
    """MMAction2's data sets, each with the pipeline of its configs."""

    @staticmethod
    def rgb(lists: dict[str, str], folder: Path) -> dict:
        pipeline = stock_rgb(interval=INTERVAL)
        return dict(type="VideoDataset", ann_file=lists["video"], pipeline=pipeline)

    @staticmethod
    def flow(lists: dict[str, str], folder: Path) -> dict:
        from_video = ("DecordInit", "DecordDecode")
        pipeline = [
            s for s in stock_rgb(interval=INTERVAL) if s["type"] not in from_video
        ]
        pipeline.insert(1, dict(type="RawFrameDecode"))
        pipeline[4].update(scale=(56, 56))  # as ours
        return dict(
            type="RawframeDataset",
            ann_file=lists["flow"],
            data_prefix=dict(img=str(folder / "flow")),
            filename_tmpl="flow_{}_{:05d}.jpg",
            modality="Flow",
            pipeline=pipeline,
        )

    @staticmethod
    def audio(lists: dict[str, str], folder: Path) -> dict:
        return dict(
            type="AudioDataset",
            ann_file=lists["audio"],
            data_prefix=dict(audio=str(folder / "audio")),
            pipeline=[
                dict(type="LoadAudioFeature"),
                dict(type="SampleFrames", clip_len=16, frame_interval=INTERVAL),
                dict(type="AudioFeatureSelector"),
                dict(type="FormatAudioShape", input_format="NCTF"),
                dict(type="PackActionInputs"),
            ],
        )


def shared(
    cfg: Config, work_dir: Path, epochs: int, data: dict, sampler: str
) -> Config:
    """What is the same on both sides: batches, loader processes, epochs, no tests."""
    cfg.train_dataloader = dict(
        batch_size=BATCH,
        num_workers=WORKERS,
        persistent_workers=WORKERS > 0,
        sampler=dict(type=sampler, shuffle=True),
        dataset=data,
    )
    for name in ("val", "test"):
        for part in ("dataloader", "cfg", "evaluator"):
            cfg[f"{name}_{part}"] = None
    cfg.train_cfg.max_epochs = epochs
    cfg.param_scheduler = None
    cfg.default_hooks.checkpoint = dict(
        type=cfg.default_hooks.checkpoint.type, interval=epochs
    )
    cfg.work_dir = str(work_dir)
    cfg.experiment_name = work_dir.name
    cfg.log_level = "ERROR"
    cfg.randomness = dict(seed=0)
    return cfg
