"""Runs of a demo config on real files, with all that is random, to be interrupted."""

from __future__ import annotations

from pathlib import Path

import torch
from conftest import ROOT, data_options, plain_config
from mmcv.transforms import BaseTransform
from mmengine.config import Config
from mmengine.registry import TRANSFORMS
from mmengine.runner import Runner

CONFIG = "configs/recognition/fusion/stconvnet_lstm_demo-rgb-flow-audio_blend.py"
EVERY_OTHER_STEP = dict(
    type="AtomicCheckpointHook",
    by_epoch=False,
    interval=2,
    save_last=False,
    filename_tmpl="iter_{}.pth",
)
# Behind which transform of the config they come.
AUGMENTATIONS = dict(
    Resize=dict(type="ClipRandAugment"),
    ClipRandAugment=dict(type="ClipRandomErasing", prob=0.5),
    LogMel=dict(type="SpecAugment"),
)
TIMES = ("time", "data_time", "eta")


@TRANSFORMS.register_module(force=True)
class NoteReading(BaseTransform):
    """Appends the name of each file that is read to a text file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def transform(self, results: dict) -> dict:
        with open(self.path, "a") as file:
            file.write(results["filename"] + "\n")
        return results


def run_config(demo_data: Path, work_dir: Path, *, workers: int = 0) -> Config:
    """Three epochs of four batches: blending, modulation, dropouts, no seed."""
    cfg = plain_config(ROOT / CONFIG)
    cfg.merge_from_dict(data_options(demo_data, batch_size=4))
    cfg.work_dir = str(work_dir)
    cfg.log_level = "WARNING"
    cfg.train_dataloader.num_workers = workers
    cfg.train_dataloader.persistent_workers = workers > 1
    work_dir.mkdir(parents=True, exist_ok=True)
    note = dict(type="NoteReading", path=str(work_dir / "read.txt"))
    pipeline = cfg.train_dataloader.dataset.pipeline
    pipeline.insert(0, note)
    for name, augmentation in AUGMENTATIONS.items():
        kinds = [step["type"] for step in pipeline]
        pipeline.insert(kinds.index(name) + 1, dict(augmentation))
    next(s for s in pipeline if s["type"] == "SampleClips")["speeds"] = (0.8, 1.25)
    cfg.model.modality_dropout = dict(rgb=0.2, flow=0.2, audio=0.2)
    cfg.model.data_preprocessor.blending = dict(
        type="MultiModalBlending", mixup_alpha=0.8, cutmix_alpha=1.0, prob=0.7
    )
    cfg.custom_hooks.append(dict(type="GradientModulationHook"))
    cfg.custom_hooks.append(dict(EVERY_OTHER_STEP))
    cfg.default_hooks.ema = dict(type="EMAHook", momentum=0.1, update_buffers=True)
    cfg.default_hooks.checkpoint.update(interval=1, max_keep_ckpts=-1)
    cfg.train_cfg.update(max_epochs=3, val_interval=1)
    cfg.pop("randomness")
    return cfg


def train(cfg: Config, checkpoint: Path | None = None) -> None:
    """Train, from a checkpoint if one is given."""
    cfg.resume = checkpoint is not None
    cfg.load_from = str(checkpoint) if checkpoint else None
    runner = Runner.from_cfg(cfg)
    runner.train()
    # Lasting loader processes end here and not, after seconds, as garbage.
    runner.train_dataloader._iterator = None


def reading(work_dir: Path) -> list[str]:
    return (work_dir / "read.txt").read_text().splitlines()


def saved_state(path: Path) -> dict:
    """All that a checkpoint holds apart from times and paths, flat."""
    checkpoint = torch.load(path, weights_only=True)
    hub = checkpoint.pop("message_hub")
    checkpoint["scalars"] = {
        key: value
        for key, value in hub["log_scalars"].items()
        if key.split("/")[-1] not in TIMES
    }
    meta = checkpoint.pop("meta")
    checkpoint["meta"] = {key: meta[key] for key in ("epoch", "iter", "seed")}
    checkpoint["place"] = hub["runtime_info"]["mmstconv_train_loop"]
    return dict(_flat(checkpoint, ""))


def _flat(value, name):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{name}.{key}")
    elif isinstance(value, (list, tuple)):
        for key, item in enumerate(value):
            yield from _flat(item, f"{name}.{key}")
    else:
        yield name, value


def different(first: dict, second: dict) -> list[str]:
    """Names whose values are not the same bits."""
    names = [name for name in first.keys() | second.keys()]
    return sorted(
        name for name in names if not _same(first.get(name), second.get(name))
    )


def _same(one, other) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    return type(one) is type(other) and one == other
