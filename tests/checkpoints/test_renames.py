"""Files whose parameters have their names of before, through every way in."""

from __future__ import annotations

import pytest
import torch
from mmengine.model import BaseModule
from mmengine.runner import load_checkpoint
from torch import nn

from mmstconv.checkpoints.filling import fill
from mmstconv.checkpoints.initializer import AdaptedPretrained
from mmstconv.checkpoints.renames import PREFIXES, renamed


class Network(BaseModule):
    """The parts of a recognizer that have moved, and a head's own ``temporal``."""

    def __init__(self, init_cfg=None):
        super().__init__(init_cfg)
        self.streams = nn.ModuleDict({"rgb": nn.Linear(2, 2)})
        self.joint = nn.ModuleDict(
            dict(fusion=nn.Linear(2, 3), temporal=nn.ModuleDict(), fused_temporal=None)
        )
        self.joint["temporal"]["rgb"] = nn.Linear(2, 1)
        self.joint["fused_temporal"] = nn.Linear(3, 2)
        self.cls_head = nn.ModuleDict(dict(fc_cls=nn.Linear(2, 4)))


def old_names(weights: dict) -> dict:
    found = {}
    for key, value in weights.items():
        new = next((new for new in PREFIXES.values() if key.startswith(new)), None)
        old = {new: old for old, new in PREFIXES.items()}.get(new)
        found[key if new is None else old + key[len(new) :]] = value
    return found


@pytest.fixture
def trained():
    return {key: value + 7 for key, value in Network().state_dict().items()}


@pytest.fixture
def path(trained, tmp_path):
    old = old_names(trained)
    assert sum(key.startswith("cls_head.") for key in old) == 8
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


def test_a_whole_model_is_filled(trained):
    model = Network()
    assert fill(model, old_names(trained), complete=True) == []
    assert equal(model, trained)


def test_a_part_of_the_model_takes_a_prefix(trained, path):
    model = Network()
    AdaptedPretrained(path, prefix="joint")(model.joint)
    assert equal(
        model.joint,
        {key.removeprefix("joint."): value for key, value in trained.items()},
    )


def test_what_mmengine_loads(trained, path, capsys):
    """``load_from``, ``init_recognizer``, ``Pretrained``."""
    model = Network()
    load_checkpoint(model, path)
    assert equal(model, trained)
    model = Network(init_cfg=dict(type="Pretrained", checkpoint=path))
    model.init_weights()
    assert equal(model, trained)
    assert "do not match" not in capsys.readouterr().out
