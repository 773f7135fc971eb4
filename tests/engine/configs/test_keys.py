"""A mistyped key is an error that says where it stands and what was meant."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import mmaction
import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from mmstconv.engine.configs import ConfigError, read_config
from mmstconv.engine.configs.keys import RUNNER
from mmstconv.engine.launch import build_runner
from mmstconv.private_names import write_config_plainly

ROOT = Path(__file__).resolve().parents[3]
OWN = ROOT / "configs/recognition/stconvnet/stlite_lstm_own-videos-rgb-flow-audio.py"
THEIRS = Path(mmaction.__file__).parent / ".mim" / "configs"

# What a user writes, and what was meant.
MISTYPED = {
    "train_dataloder = dict(batch_size=4)": "train_dataloader",
    "optim_wraper = dict(optimizer=dict(lr=1e-4))": "optim_wrapper",
    "param_schedular = []": "param_scheduler",
    "custom_hook = []": "custom_hooks",
    "load_form = 'x.pth'": "load_from",
    "test_pipline = []": "test_pipeline",
    "max_epochs = 3": "train_cfg.max_epochs",
    "batch_size = 4": "train_dataloader.batch_size",
    "train_cfg = dict(max_epoch=3)": "max_epochs",
    "train_cfg = dict(type='ResumableTrainLop')": "ResumableTrainLoop",
    "train_dataloader = dict(batchsize=4)": "batch_size",
    "train_dataloader = dict(dataset=dict(an_file='x'))": "ann_file",
    "randomness = dict(sed=1)": "seed",
    "env_cfg = dict(cudnn_benchmrk=True)": "cudnn_benchmark",
    "optim_wrapper = dict(clip_gard=dict(max_norm=1))": "clip_grad",
    "optim_wrapper = dict(optimiser=dict(lr=1))": "optimizer",
    "optim_wrapper = dict(optimizer=dict(weigth_decay=0))": "weight_decay",
    "optim_wrapper = dict(optimizer=dict(type='Adamm'))": "Adam",
    "default_hooks = dict(chekpoint=dict(interval=3))": "checkpoint",
    "default_hooks = dict(checkpoint=dict(intervall=3))": "interval",
    "val_evaluator = [dict(type='GatheredAccMetrc')]": "GatheredAccMetric",
    "val_evaluator = [dict(type='ModalityMetric', prefx='a')]": "prefix",
    "model = dict(modality_dropuot=dict(audio=0.5))": "modality_dropout",
    "model = dict(cls_heed=dict(num_classes=3))": "cls_head",
    "model = dict(joint=dict(fusoin=dict(type='SumFusion')))": "fusion",
    "model = dict(joint=dict(fusion=dict(type='SumFusoin')))": "SumFusion",
    "model = dict(streams=dict(rgb=dict(bakcbone=dict())))": "backbone",
    "model = dict(streams=dict(rgb=dict(backbone=dict(archh=1))))": "arch",
    "model = dict(streams=dict(rgb=dict(neck=dict(hiden_channels=1))))": (
        "hidden_channels"
    ),
}
MOVED = {
    "model = dict(cls_head=dict(fusion=dict(type='SumFusion')))": "joint.fusion",
    "model = dict(cls_head=dict(temporal=dict(type='LastState')))": "joint.temporal",
    "model = dict(cls_head=dict(fuse_steps=4))": "joint.steps",
}
FINE = [
    "files = dict(a=1)",  # variables of one's own
    "clip = clips = workers = train = 3",
    "epoch_model = 'x'",
    "train_dataloder = 4\ntrain_dataloader = dict(batch_size=train_dataloder)",
    "default_hooks = dict(mine=dict(type='EMAHook'))",
    "optim_wrapper = dict(dtype='bfloat16')",  # for --amp
]


def child(folder: Path, text: str, base: Path = OWN) -> Path:
    path = folder / "mine.py"
    path.write_text(f"_base_ = [{str(base)!r}]\n\n{text}\n")
    return path


def test_keys_of_another_part(tmp_path):
    for text, place in MOVED.items():
        with pytest.raises(
            ConfigError, match=rf"of model\.cls_head is model\.{place}$"
        ):
            read_config(child(tmp_path, text))


def test_mistyped_keys(tmp_path):
    for text, meant in MISTYPED.items():
        path = child(tmp_path, text)
        with pytest.raises(ConfigError) as caught:
            read_config(path)
        message = str(caught.value)
        assert message.startswith(f"{path}:3: "), text
        assert re.search(rf"did you mean '?{re.escape(meant)}'?\?$", message), message


def test_arguments_of_the_runner():
    taken = set(inspect.signature(Runner.__init__).parameters)
    assert RUNNER == taken - {"self", "cfg"}


def test_variables_of_ones_own_are_fine(tmp_path):
    for text in FINE:
        read_config(child(tmp_path, text))


def test_a_mistake_in_a_base_names_the_base(tmp_path):
    base = child(tmp_path, "val_dataloder = dict(batch_size=4)")
    base = base.rename(tmp_path / "base.py")
    with pytest.raises(ConfigError, match=rf"^{base}:3: .*'val_dataloader'"):
        read_config(child(tmp_path, "work_dir = 'x'", base))


@pytest.mark.parametrize(
    ("option", "meant"),
    [
        ("train_dataloder.batch_size", "did you mean 'train_dataloader'"),
        ("model.cls_head.num_clases", "did you mean 'num_classes'"),
        ("default_hooks.chekpoint.interval", "did you mean 'checkpoint'"),
        ("learning_rate", "nothing reads 'learning_rate'"),
    ],
)
def test_options(option, meant):
    with pytest.raises(ConfigError) as caught:
        read_config(OWN, {option: 4})
    assert f"--cfg-options {option}: " in str(caught.value)
    assert meant in str(caught.value)


def test_options_that_are_right():
    options = {
        "train_dataloader.batch_size": 4,
        "train_dataloader.pin_memory": True,
        "optim_wrapper.clip_grad.max_norm": 40,
        "find_unused_parameters": True,
        "data_root": "x",
    }
    assert read_config(OWN, options).train_dataloader.batch_size == "auto"


def alarms(paths, folder: Path | None = None) -> dict[str, str]:
    """Messages about configs that are right; with a folder, as runs write them, too."""
    found = {}
    for path in paths:
        try:
            cfg = read_config(path)
            if folder is not None:
                write_config_plainly(cfg)
                written = folder / path.name
                cfg.dump(written)
                read_config(written)
                read_config(child(folder, "", written))
        except ConfigError as error:
            found[path.name] = str(error)
    return found


def test_no_false_alarms(tmp_path):
    assert not alarms(sorted((ROOT / "configs").glob("[!_]*/*/*.py"))[::3], tmp_path)
    assert not alarms(sorted(THEIRS.rglob("*.py"))[::40], tmp_path)


@pytest.mark.slow
def test_no_false_alarms_in_any_config(tmp_path):
    paths = [*(ROOT / "configs").rglob("*.py"), *THEIRS.rglob("*.py")]
    assert len(paths) > 250
    assert not alarms(paths, tmp_path)


def test_a_config_that_cannot_be_read(tmp_path):
    (tmp_path / "near.py").write_text("x = 1\n")
    for text, message in {
        "model = dict(a=1\n": r"mine\.py:1: '\(' was never closed",
        "_base_ = './naer.py'\n": r"mine\.py:1: .*'\./naer\.py'; .* 'near\.py'\?$",
        f"_base_ = 'mmstconv::recognition/stconvnet/{OWN.name[:-4]}.py'\n": (
            rf"mine\.py:1: there is no .* 'mmstconv::recognition/.*{OWN.name}'\?$"
        ),
        "_base_ = 'mmstconv::no/such.py'\n": r"mine\.py:1: there is no base config",
        "a = 1\nb = a + none\n": r"mine\.py:2: NameError: .*'none'",
        "a = dict()\nb = a['c']\n": r"mine\.py:2: KeyError: c",
        "custom_imports = dict(imports=['no_such_module'])\n": "no_such_module",
        "a = '\xe9'\n": None,
    }.items():
        path = tmp_path / "mine.py"
        path.write_text(text, encoding="utf-8")
        if message is None:
            read_config(path)
            path.write_text(text, encoding="latin-1")
            message = r"mine\.py: is no Python text"
        with pytest.raises(ConfigError, match=message) as caught:
            read_config(path)
        assert "\n" not in str(caught.value), text


@pytest.mark.parametrize("text", ["", "model = None\n"])
def test_a_config_without_a_model(text, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        text + "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=1)\n"
    )
    message = r"mine\.py: it has no model; inherit a config that has one"
    with pytest.raises(ConfigError, match=message):
        read_config(path, parts=("model", "test_pipeline"))
    with pytest.raises(ConfigError, match=message):
        build_runner(read_config(path), str(path), str(tmp_path / "run"), "none")
    assert not (tmp_path / "run").exists()


def test_a_config_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("my_videos.py").write_text("x = 1\n")
    for name, message in {
        "my_vidoes.py": "no config my_vidoes.py; did you mean my_videos.py",
        "nothing/like.py": "no config nothing/like.py",
        ".": "is a folder",
    }.items():
        with pytest.raises(FileNotFoundError, match=message):
            read_config(name)
    # by its bare name, as mim finds it
    assert read_config(OWN.name).model == Config.fromfile(OWN).model
