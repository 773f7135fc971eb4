"""``mim train|test mmstconv``, as a wheel and as an editable installation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

CONFIG = "recognition/demo/stconvnet_lstm_demo-audio.py"
NAME = Path(CONFIG).name
OF_THE_CHECKOUT = {"benchmarks", "experiments"}  # folders of tools/


@pytest.fixture(scope="session")
def trained(installed, outside, flags):
    """Trained by the config's bare name: the work dir and what mim said."""
    work_dir = outside / f"trained_{installed.kind}"
    command = ["train", "mmstconv", NAME, "--gpus", "0", "--work-dir", work_dir]
    return work_dir, installed.mim(*command, *flags, cwd=outside)


def test_the_installed_package_is_the_one_imported(installed, outside):
    code = "import mmstconv; print(mmstconv.__file__)"
    found = Path(installed.run("-c", code, cwd=outside).strip())
    home = installed.site_packages if installed.kind == "wheel" else installed.source
    assert found == home / "mmstconv" / "__init__.py"


def test_mim_finds_everything(installed):
    root = installed.source
    wanted = {"model-index.yml"}
    for folder in ("configs", "tools"):
        wanted |= {
            str(path.relative_to(root))
            for path in (root / folder).rglob("*.*")
            if path.is_file() and path.suffix != ".pyc"
            if path.relative_to(root / folder).parts[0] not in OF_THE_CHECKOUT
        }
    there = {
        str(path.relative_to(installed.mim_folder)): path
        for path in installed.mim_folder.rglob("*.*")
        if path.is_file() and path.suffix != ".pyc"  # pip compiles
    }
    assert set(there) == wanted
    for path in there.values():
        assert not path.is_symlink()
        # copies in a wheel, which can be moved; forwarders in an editable one
        if installed.kind == "wheel":
            original = root / path.relative_to(installed.mim_folder)
            assert path.read_bytes() == original.read_bytes()
            assert str(root).encode() not in path.read_bytes()


def test_mim_run(installed, outside):
    """Any script of ours by its name; this one starts a tool of MMAction2."""
    path = installed.mim_folder / "configs" / CONFIG
    command = ["run", "mmstconv", "mmaction2", "print_config", path]
    assert "type='AudioConvNet'" in installed.mim(*command, cwd=outside)


def test_checkpoint_doctor_by_name(installed, outside):
    (outside / "empty.pth").touch()
    command = ["run", "mmstconv", "convert_checkpoint", "empty.pth"]
    assert "empty.pth: " in installed.mim(*command, cwd=outside, fails=True)


def test_scripts_find_their_neighbours(installed, outside):
    """Also where what is installed only forwards to the checkout."""
    script = installed.mim_folder / "tools" / "data" / "prepare_videos.py"
    assert "usage: prepare_videos.py" in installed.run(script, "--help", cwd=outside)


def test_benchmarks_and_experiments_stay_in_the_checkout(installed):
    tools = installed.mim_folder / "tools"
    assert {path.name for path in (installed.source / "tools").iterdir()} >= {
        *OF_THE_CHECKOUT
    }
    there = {path.relative_to(tools).parts[0] for path in tools.rglob("*.py")}
    assert {"train.py", "data", "analysis"} <= there
    assert not OF_THE_CHECKOUT & there


def test_train_by_bare_name(trained, installed):
    work_dir, output = trained
    assert "Training finished successfully" in output
    assert str(installed.mim_folder / "configs" / CONFIG) in output
    torch.load(work_dir / "epoch_1.pth", weights_only=True)


def test_test_by_path(trained, installed, outside, flags):
    work_dir, _ = trained
    path = installed.source / "configs" / CONFIG
    checkpoint = ["--checkpoint", work_dir / "epoch_1.pth", "--gpus", "0"]
    output = installed.mim("test", "mmstconv", path, *checkpoint, *flags, cwd=outside)
    assert "Testing finished successfully" in output
    assert re.search(r"Epoch\(test\).*acc/top1: ", output)


@pytest.mark.parametrize("installed", ["wheel"], indirect=True)
def test_resume_with_a_config_inherited_by_scope(trained, installed, outside, flags):
    """``_base_ = 'mmstconv::...'`` under our tools, and the second epoch only."""
    work_dir, _ = trained
    child = outside / "scoped.py"
    child.write_text(f"_base_ = 'mmstconv::{CONFIG}'\n")
    command = ["train", "mmstconv", child, "--gpus", "0", "--work-dir", work_dir]
    command += ["--resume", *flags, "train_cfg.max_epochs=2"]
    output = installed.mim(*command, cwd=outside)
    assert "resumed epoch: 1, iter: 2" in output
    assert "Epoch(train) [1]" not in output and "Epoch(train) [2]" in output
    assert (work_dir / "epoch_2.pth").exists()


@pytest.mark.parametrize(
    "installed",
    ["wheel", pytest.param("editable", marks=pytest.mark.slow)],
    indirect=True,
)
def test_inherited_by_path_under_mim_train_mmaction2(installed, outside, flags):
    """An existing MMAction2 project with its own tools: the file path is enough."""
    child = outside / f"child_{installed.kind}.py"
    base = installed.mim_folder / "configs" / CONFIG
    child.write_text(f"_base_ = [{str(base)!r}]\n")
    work_dir = outside / f"mmaction2_{installed.kind}"
    command = ["train", "mmaction2", child, "--gpus", "0", "--work-dir", work_dir]
    output = installed.mim(*command, *flags, cwd=outside)
    assert str(Path("mmaction", ".mim", "tools", "train.py")) in output
    torch.load(work_dir / "epoch_1.pth", weights_only=True)


OWN = """
custom_imports = dict(imports=["mmstconv"], allow_failed_imports=False)
default_scope = "mmaction"
model = dict(
    type="Recognizer3D",
    backbone=dict(type="C3D", out_dim=512),
    neck=dict(type="LSTMTemporalNeck", in_channels=512, hidden_channels=8),
    cls_head=dict(type="I3DHead", num_classes=8, in_channels=8),
)
"""
BUILD = """
import sys
from mmengine.config import Config
from mmengine.registry import init_default_scope
for path in sys.argv[1:]:
    cfg = Config.fromfile(path)
    init_default_scope(cfg.default_scope)
    from mmaction.registry import MODELS
    model = MODELS.build(cfg.model)
    parts = [type(part).__name__ for part in (model, *model.children())]
    print(*parts)
    import mmstconv  # an "mmaction::" or "mmstconv::" base needs it from here on
"""


def test_configs_of_ones_own(installed, outside):
    """Our neck in a stock recognizer; then our and MMAction2's configs by scope."""
    paths = [outside / f"{name}_{installed.kind}.py" for name in ("own", "ours", "c3d")]
    c3d = "recognition/c3d/c3d_sports1m-pretrained_8xb30-16x1x1-45e_ucf101-rgb.py"
    small = "model = dict(backbone=dict(pretrained=None, out_dim=512))\n"
    paths[0].write_text(OWN)
    paths[1].write_text(f"_base_ = 'mmstconv::{CONFIG}'\n")
    paths[2].write_text(f"_base_ = 'mmaction::{c3d}'\n{small}")
    built = installed.run("-W", "ignore", "-c", BUILD, *paths, cwd=outside)
    own, ours, stock = built.splitlines()[-3:]
    assert "Recognizer3D" in own and "LSTMTemporalNeck" in own
    assert ours.startswith("TriModalRecognizer")
    assert stock.startswith("Recognizer3D")
