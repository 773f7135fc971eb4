"""From a row of an experiment to the config that its training runs with."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import distribution
from pathlib import Path

from mmengine.config import Config
from sounding import have_sound, read_list

from mmstconv.pipelines import SPLITS, changed_steps, pipelines

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
PEERS = Path(distribution("mmaction2").locate_file("mmaction/.mim/configs"))
STOCK_SIZE, STOCK_SHORT_SIDE = 224, 256  # pixels, of nearly all of its configs
OF_MULTIMODAL_SAMPLES = ("bad_samples", "consistency", "presence")


@dataclass(frozen=True)
class Row:
    """One training.

    Args:
        what: It in words, for the table.
        base: Config, in ``configs`` or, with ``peer``, in MMAction2's.
        epochs: Length; the schedule of the config is stretched to it.
        batch: Clips a step; the learning rate follows from it where the config says of
            which batch it is (``auto_scale_lr``).
        peer: Whether it is a config of MMAction2.
        lists: ``_sound4`` takes ``train_sound4.txt`` and ``val_sound4.txt``.
        amp: Train in bfloat16.
        options: Settings of the config, by dotted keys.
        schedule: Ours: config with another optimizer and schedule.
        steps: Ours: changes of the pipeline, as of ``change_steps``.
        streams: Ours: the only streams. Empty: all.
        frames: MMAction2's: arguments of ``SampleFrames``.
        model: MMAction2's: config that the model is taken from.
        size: MMAction2's: pixels, in the place of 224.
    """

    what: str
    base: str
    epochs: int
    batch: int = 16
    peer: bool = False
    lists: str = ""
    amp: bool = False
    options: dict = field(default_factory=dict)
    schedule: str | None = None
    steps: dict = field(default_factory=dict)
    streams: tuple[str, ...] = ()
    frames: dict = field(default_factory=dict)
    model: str | None = None
    size: int = 112


def assemble(row: Row, data: Path, seed: int, epochs: int, workers: int) -> Config:
    """The config of a row, for the lists and clips of a folder."""
    own = Config.fromfile(CONFIGS / "_base_/default_runtime.py")
    base = (PEERS if row.peer else CONFIGS) / row.base
    cfg = Config.fromfile(base)
    lists = {split: data / f"{split}{row.lists}.txt" for split in ("train", "val")}
    train, val = (read_list(path) for path in lists.values())
    batches = dict.fromkeys(lists, row.batch)
    if row.peer:
        cfg.test_dataloader = cfg.test_cfg = cfg.test_evaluator = None
    else:  # what was chosen on val is tested on it, with the test's clips of a file
        lists["test"], batches["test"] = lists["val"], cfg.test_dataloader.batch_size
    if row.peer:
        _scale_peer(cfg, row, own)
    else:
        _choose_streams(cfg, row)
        if row.schedule:
            for key, value in Config.fromfile(CONFIGS / row.schedule).items():
                cfg[key] = value
    cfg.model.cls_head.num_classes = 1 + max(label for _, label in train)
    for split, path in lists.items():
        loader = cfg[f"{split}_dataloader"]
        loader.batch_size, loader.num_workers = batches[split], workers
        loader.persistent_workers = workers > 0
        loader.dataset.pop("metainfo", None)  # names of the config's own classes
        loader.dataset.ann_file = str(path)
        names = data / f"classes{row.lists}.txt"
        if names.is_file() and not row.peer:
            loader.dataset.metainfo = dict(classes=str(names))
        loader.dataset.data_prefix = dict(video=str(data))
    cfg.train_dataloader.sampler = dict(type="ResumableSampler", shuffle=True)
    sounding = have_sound([data / name for name, _ in val])
    cfg.val_evaluator = [
        dict(type="GatheredAccMetric"),
        dict(type="SoundingAccuracy", sounding=sounding),
    ]
    if not row.peer:
        cfg.val_evaluator.append(dict(type="ModalityMetric"))
        cfg.test_evaluator = cfg.val_evaluator
    cfg.merge_from_dict(row.options)
    if cfg.get("auto_scale_lr"):
        cfg.auto_scale_lr.enable = True
    if row.amp:
        cfg.optim_wrapper.type = "AmpOptimWrapper"
    _stretch(cfg, epochs, _steps(cfg.train_dataloader, len(train)))
    cfg.train_cfg.type = "ResumableTrainLoop"
    cfg.default_hooks.checkpoint = dict(
        type="AtomicCheckpointHook", interval=1, max_keep_ckpts=1
    )
    cfg.randomness = dict(seed=seed)
    cfg.resume = True
    return cfg


def _steps(loader: dict, samples: int) -> int:
    """Steps of an epoch."""
    part = 0 if loader.get("drop_last") else loader["batch_size"] - 1
    return max(1, (samples + part) // loader["batch_size"])


def _choose_streams(cfg: Config, row: Row) -> None:
    """The pipelines and, where a row has some streams only, the model of these."""
    changes = dict(row.steps)
    if row.streams:
        changes["modalities"] = list(row.streams)
        streams = cfg.model.streams
        cfg.model.streams = {name: streams[name] for name in row.streams}
    if len(row.streams) == 1:  # nothing to do without, nothing beside it
        cfg.model.modality_dropout = None
        cfg.model.cls_head.update(
            train_without=[], loss_weight=1.0, aux_loss_weight=0.0
        )
    made = pipelines(changed_steps(cfg.steps, changes))
    for split, pipeline in zip(SPLITS, made):
        cfg[f"{split}_dataloader"].dataset.pipeline = pipeline


def _scale_peer(cfg: Config, row: Row, own: Config) -> None:
    """MMAction2's recipe from scratch, at another size, with our loop and hooks."""
    if row.model:
        cfg.model = Config.fromfile(PEERS / row.model).model
    cfg.model.backbone.pretrained = None
    sizes = {STOCK_SIZE: row.size, STOCK_SHORT_SIDE: round(row.size * 8 / 7)}
    for split in ("train", "val"):
        for step in cfg[f"{split}_dataloader"].dataset.pipeline:
            for name, value in step.items():
                if isinstance(value, tuple):
                    step[name] = tuple(sizes.get(one, one) for one in value)
                elif isinstance(value, int):
                    step[name] = sizes.get(value, value)
            if step.type == "SampleFrames":
                step.update(row.frames)
    cfg.default_hooks = {
        name: hook
        for name, hook in own.default_hooks.items()
        if name not in OF_MULTIMODAL_SAMPLES
    }


def _stretch(cfg: Config, epochs: int, iterations: int) -> None:
    """Give the schedule another length; its parts keep their shares of it.

    Args:
        cfg: Changed in place.
        epochs: The new length.
        iterations: Of an epoch.
    """
    factor = epochs / cfg.train_cfg.max_epochs * iterations
    for scheduler in cfg.param_scheduler or []:
        if not scheduler.get("by_epoch", True):
            continue
        scheduler.by_epoch = False
        scheduler.pop("convert_to_iter_based", None)
        for name in ("begin", "end", "T_max", "milestones"):
            value = scheduler.get(name)
            if isinstance(value, list):
                scheduler[name] = [round(one * factor) for one in value]
            elif value is not None:
                scheduler[name] = round(value * factor)
        if "end" in scheduler:
            scheduler.end = max(scheduler.end, scheduler.get("begin", 0) + 1)
    cfg.train_cfg.max_epochs = epochs
    cfg.train_cfg.val_begin = 1
    cfg.train_cfg.val_interval = max(1, epochs // 20)
