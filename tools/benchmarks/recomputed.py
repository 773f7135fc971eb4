"""The scheme of MMAction2's long_video_demo: every window is computed from its frames.

A queue holds the decoded frames of a window. Each window goes as a whole through the
test pipeline, without the steps that decode, and through the model; then a part of the
queue is dropped. The script is not in MMAction2's wheel: this is the scheme on its real
transforms, with flow and sound of the window, which it lacks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from mmaction.registry import MODELS, TRANSFORMS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from pipelines import CONFIGS

from mmstconv.media import open_media

CONFIG = (
    CONFIGS / "recognition/stconvnet"
    "/stlite_unpadded-lstm_1xb32-32f-50e_ucf101-split1-rgb-flow-audio.py"
)
HERE = dict(rgb=True, flow=True, audio=True)
DECODING = ("OpenMedia", "SampleClips", "LoadFrames")


def build_model(size: int = 112, fps: int = 12):
    """The default network for long videos, untrained, and with its config."""
    init_default_scope("mmaction")
    torch.manual_seed(0)
    cfg = Config.fromfile(CONFIG)
    steps = {step.type: step for step in cfg.test_pipeline}
    steps["LoadFrames"].short_side = size * 8 // 7
    steps["SampleClips"].fps = fps
    steps["CenterCrop"].crop_size = size
    model = MODELS.build(cfg.model).eval()
    model.cfg = cfg
    return model


def with_head(base, head: dict):
    """The same streams with a head that reads their steps."""
    cfg = base.cfg.model.to_dict()
    cfg.update(cls_head=head, joint=dict(fusion=dict(type="ConcatFusion")))
    torch.manual_seed(0)
    model = MODELS.build(cfg).eval()
    model.load_state_dict(base.state_dict(), strict=False)
    model.cfg, model.dataset_meta = base.cfg, {}
    return model


def ready_window() -> dict[str, torch.Tensor]:
    """A window of noise as the preprocessor gives it to the model."""
    return dict(
        rgb=torch.randn(1, 1, 3, 32, 112, 112),
        flow=torch.randn(1, 1, 2, 32, 56, 56),
        audio=torch.randn(1, 1, 64, 267),
    )


class WindowPipeline:
    """A test pipeline of a model for frames that are decoded already."""

    def __init__(self, model) -> None:
        self.model = model
        steps = {step.type: step.to_dict() for step in model.cfg.test_pipeline}
        _, sampling, loading = (steps.pop(name) for name in DECODING)
        self.frames, self.fps = sampling["clip_len"], sampling["fps"]
        resize = dict(type="Resize", scale=(-1, loading["short_side"]))
        self.steps = [TRANSFORMS.build(step) for step in (resize, *steps.values())]

    @torch.no_grad()
    def scores(self, images: Sequence[np.ndarray], start: float, media):
        """Of the frames of one window and one more."""
        images = list(np.array(images))
        sample = dict(
            imgs=images,
            img_shape=images[0].shape[:2],
            original_shape=images[0].shape[:2],
            modality="RGB",
            label=-1,
            filename="window",
            media=media,
            frame_times=start + np.arange(self.frames + 1)[None] / self.fps,
            clip_starts=np.array([start]),
            clip_duration=self.frames / self.fps,
            clip_len=self.frames,
            num_clips=1,
            presence=dict(rgb=True, flow=True),
        )
        for step in self.steps:
            if type(step).__name__ == "FormatClips":
                sample.pop("media")  # it stays open for the next window
            sample = step(sample)
        return self.model.test_step(pseudo_collate([sample]))[0].pred_score


def data_sample() -> ActionDataSample:
    return ActionDataSample(metainfo=dict(presence=HERE))


def score_video(model, path: Path, hop: int) -> Iterator[tuple[float, torch.Tensor]]:
    """Start and scores of every window."""
    pipeline = WindowPipeline(model)
    queue: deque = deque(maxlen=pipeline.frames + 1)
    capture = cv2.VideoCapture(str(path))
    rate = capture.get(cv2.CAP_PROP_FPS)
    first, number, shown = 0, -1, None
    with open_media(path) as media:
        while True:
            wanted = int((first + len(queue)) / pipeline.fps * rate + 1e-6)
            while number < wanted:
                read, frame = capture.read()
                if not read:
                    return
                number, shown = number + 1, frame
            queue.append(np.ascontiguousarray(shown[:, :, ::-1]))
            if len(queue) <= pipeline.frames:
                continue
            start = first / pipeline.fps
            yield start, pipeline.scores(queue, start, media)
            for _ in range(hop):
                queue.popleft()
            first += hop
