"""What others extract from videos: images of frames and of flow, features of sound."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from helpers_media import coded_frame

BANDS, RATE = 80, 50
CLASS = "clips"  # the folder that all are in


def write_extracted(
    folder: Path,
    name: str,
    count: int,
    *,
    size: tuple[int, int] = (128, 96),
    first: int = 1,
    flow: bool = True,
    sound: bool = True,
    suffix: str = "jpg",
) -> Path:
    """Of one video of 25 frames a second; the folder of its images.

    Frame k shows its number; the flow of frame k is k levels to the right; row r of the
    feature holds r.

    Args:
        folder: Where ``rawframes`` and ``audio_features`` are.
        name: Of the video.
        count: Its frames.
        size: Width and height.
        first: Number of the first image.
        flow: Whether there is any.
        sound: The same.
        suffix: Of images.
    """
    images = folder / "rawframes" / CLASS / name
    images.mkdir(parents=True)
    for index in range(count):
        number = f"{first + index:05}.{suffix}"
        frame = coded_frame(index, *size)
        cv2.imwrite(str(images / f"img_{number}"), frame[..., ::-1])
        if flow and index < count - 1:
            for axis, level in (("x", 128 + index), ("y", 128)):
                plane = np.full(size[::-1], level, np.uint8)
                cv2.imwrite(str(images / f"flow_{axis}_{number}"), plane)
    if sound:
        feature = folder / "audio_features" / CLASS / f"{name}.npy"
        feature.parent.mkdir(parents=True, exist_ok=True)
        rows = np.arange(round(count / 25 * RATE), dtype=np.float32)
        np.save(feature, np.tile(rows[:, None], (1, BANDS)) / len(rows))
    return images


def write_list(folder: Path, counts: dict[str, int], name: str = "list.txt") -> Path:
    """``folder total_frames label`` a line, labels in turn."""
    lines = [
        f"{CLASS}/{one} {n} {k % 2}\n" for k, (one, n) in enumerate(counts.items())
    ]
    (folder / name).write_text("".join(lines))
    return folder / name


def point_at(cfg, folder: Path, ann_file: Path) -> None:
    """The config for extracted files, on those of a folder."""
    for split in ("train", "val", "test"):
        dataset = cfg[f"{split}_dataloader"].dataset
        dataset.ann_file = str(ann_file)
        dataset.data_prefix = dict(img=str(folder / "rawframes"))
        move_pipeline(dataset.pipeline, folder)
    move_pipeline(cfg.test_pipeline, folder)


def move_pipeline(pipeline, folder: Path) -> None:
    for step in pipeline:
        for key in ("directory", "path"):
            if key in step:
                step[key] = step[key].replace("data/ucf101", str(folder))
