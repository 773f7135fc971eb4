"""Files whose parameters have their names of before, through every way in."""

from __future__ import annotations

import pytest
import torch
from conftest import ROOT
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from torch import nn

from mmstconv.checkpoints.filling import fill
from mmstconv.checkpoints.initializer import AdaptedPretrained
from mmstconv.checkpoints.renames import PREFIXES, renamed

# parts of the joint: gates, or maps and a reduction after the fusion
CONFIGS = (
    "stconvnet_lstm_demo-rgb-flow-audio_gmu.py",
    "stconvnet_demo-rgb-flow-audio_map.py",
)


def built(config: str, **more) -> nn.Module:
    cfg = Config.fromfile(ROOT / "configs/recognition/fusion" / config).model
    return MODELS.build(dict(cfg, **more))


def old_names(weights: dict) -> dict:
    found = {}
    for key, value in weights.items():
        new = next((new for new in PREFIXES.values() if key.startswith(new)), None)
        old = {new: old for old, new in PREFIXES.items()}.get(new)
        found[key if new is None else old + key[len(new) :]] = value
    return found


@pytest.fixture(params=CONFIGS)
def config(request):
    init_default_scope("mmaction")
    return request.param


@pytest.fixture
def trained(config):
    return {
        key: torch.rand_like(value.float()).to(value.dtype)
        for key, value in built(config).state_dict().items()
    }


@pytest.fixture
def path(trained, tmp_path):
    old = old_names(trained)
    assert old.keys() != trained.keys()
    torch.save(dict(state_dict=old), tmp_path / "old.pth")
    return str(tmp_path / "old.pth")


def equal(model: nn.Module, weights: dict) -> bool:
    return all(value.equal(weights[key]) for key, value in model.state_dict().items())


def test_names_of_before_become_those_of_today(trained):
    old = old_names(trained)
    found = renamed(old, trained.keys())
    assert list(found) == list(trained)
    assert all(found[key] is value for key, value in trained.items())
    assert renamed(trained, trained.keys()) is trained


def test_a_name_that_the_network_has_stays():
    """Also of a network without the part that others have moved to."""
    weights = {"cls_head.temporal.weight": 1, "cls_head.fusion.weight": 2}
    assert renamed(weights, ["cls_head.temporal.weight"]) is weights
    both = ["cls_head.temporal.weight", "joint.temporal.weight", "joint.fusion.weight"]
    assert list(renamed(weights, both)) == [both[0], both[2]]


def test_a_whole_model_is_filled(config, trained):
    model = built(config)
    assert fill(model, old_names(trained), complete=True) == []
    assert equal(model, trained)


def test_the_joint_alone_takes_a_prefix(config, trained, path):
    joint = built(config).joint
    AdaptedPretrained(path, prefix="joint")(joint)
    assert equal(joint, {key.removeprefix("joint."): trained[key] for key in trained})


def test_what_mmengine_loads(config, trained, path, capsys):
    """``load_from`` and MMAction2's ``init_recognizer``, then ``Pretrained``."""
    model = built(config)
    load_checkpoint(model, path)
    assert equal(model, trained)
    model = built(config, init_cfg=dict(type="Pretrained", checkpoint=path))
    model.init_weights()
    assert equal(model, trained)
    assert "do not match" not in capsys.readouterr().out
