"""Checkpoints that open safely and are not what they should be."""

from __future__ import annotations

import copy
import re

import numpy as np
import pytest
import torch
from engine.toy_run import for_testing, toy_config, toy_runner
from torch import nn

from mmstconv.checkpoints.initializer import AdaptedPretrained
from mmstconv.checkpoints.plain import HISTORY
from mmstconv.checkpoints.reading import CheckpointError


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    work_dir = tmp_path_factory.mktemp("whole")
    cfg = toy_config(work_dir, train_cfg__max_epochs=1)
    cfg.param_scheduler = [dict(type="StepLR", step_size=1)]
    toy_runner(cfg).train()
    return torch.load(work_dir / "epoch_1.pth", weights_only=True)


def put(checkpoint, entry, value):
    *parents, last = entry.split("/")
    for name in parents:
        checkpoint = checkpoint[name]
    checkpoint[last] = value


def drop(checkpoint, entry):
    *parents, last = entry.split("/")
    for name in parents:
        checkpoint = checkpoint[name]
    del checkpoint[last]


LOOP = "message_hub/runtime_info/mmstconv_train_loop"
# what to put where, and how the message names it; both for resuming and for testing
EVERYWHERE = [
    ("meta", [1], "meta"),
    ("meta", "text", "meta"),
    ("meta/epoch", "x", "meta.epoch"),
    ("meta/epoch", -1, "meta.epoch"),
    ("meta/epoch", 1.5, "meta.epoch"),
    ("meta/epoch", True, "meta.epoch"),
    ("meta/iter", -4, "meta.iter"),
    ("meta/iter", 2**70, "meta.iter"),
    ("meta/iter", [4], "meta.iter"),
    ("meta/seed", "x", "meta.seed"),
    ("meta/dataset_meta", [1], "meta.dataset_meta"),
    ("message_hub", [], "message_hub"),
    ("message_hub/log_scalars", 3, "message_hub.log_scalars"),
    ("message_hub/runtime_info", "x", "message_hub.runtime_info"),
    ("message_hub/log_scalars/train/loss", {HISTORY: 3}, "message_hub.log_scalars"),
    (
        "message_hub/log_scalars/train/loss",
        {HISTORY: (torch.ones(2), torch.ones(3), 10)},
        "message_hub.log_scalars",
    ),
    ("optimizer", [], "optimizer"),
    ("optimizer", torch.ones(2), "optimizer"),
    ("param_schedulers", 3, "param_schedulers"),
    ("param_schedulers", ["x"], "param_schedulers"),
    ("state_dict", [torch.ones(10)], "state_dict"),
    ("state_dict", {0: torch.ones(10)}, "named by 0"),
    ("state_dict/weight", [0.0] * 10, "weight is a list"),
    ("state_dict/weight", torch.ones(10, dtype=torch.complex64), "complex"),
    ("state_dict/weight", torch.ones(10, dtype=torch.int64), "torch.int64"),
    ("state_dict/weight", torch.ones(10, dtype=torch.bool), "torch.bool"),
    ("state_dict/weight", torch.ones(10).to_sparse(), "sparse"),
    ("state_dict/weight", torch.ones(10, device="meta"), "meta device"),
    (
        "state_dict/weight",
        torch.quantize_per_tensor(torch.ones(10), 0.1, 0, torch.qint8),
        "quantized",
    ),
    ("state_dict/weight", torch.ones(10, 1), "weight"),
    ("state_dict", {}, "no parameter name"),
]
RESUMING = [
    ("meta", None, "meta.epoch"),
    ("message_hub", None, "message_hub"),
    ("meta/iter", None, "meta.iter"),
    ("message_hub/resumed_keys", None, "message_hub.resumed_keys"),
    ("optimizer", None, "optimizer"),
    ("optimizer", {}, "optimizer"),
    ("optimizer/param_groups", 3, "optimizer"),
    ("optimizer/param_groups", [], "groups of [] parameters"),
    ("optimizer/state", [1], "optimizer"),
    ("param_schedulers", None, "param_schedulers"),
    (LOOP, 3, "mmstconv_train_loop"),
    (f"{LOOP}/batches", "x", "mmstconv_train_loop"),
]


def said_by(act, path) -> str:
    with pytest.raises(ValueError) as caught:
        act()
    message = str(caught.value)
    assert message.startswith(f"{path}: "), message
    assert len(message.splitlines()) < 8
    return message


def resume(path):
    cfg = toy_config(path.parent / "run", load_from=str(path), resume=True)
    cfg.param_scheduler = [dict(type="StepLR", step_size=1)]
    toy_runner(cfg).train()


def check(path):
    cfg = for_testing(toy_config(path.parent / "test", load_from=str(path)))
    toy_runner(cfg).test()


def test_each_is_one_error_that_names_file_and_entry(whole, tmp_path):
    path = tmp_path / "epoch_1.pth"
    torch.save(whole, path)
    resume(path)
    check(path)
    for ways, cases in (((resume, check), EVERYWHERE), ((resume,), RESUMING)):
        for entry, value, named in cases:
            broken = copy.deepcopy(whole)
            if value is None:
                drop(broken, entry)
            elif entry.startswith("message_hub/log_scalars/"):
                broken["message_hub"]["log_scalars"]["train/loss"] = value
            else:
                put(broken, entry, value)
            torch.save(broken, path)
            for way in ways:
                message = said_by(lambda way=way: way(path), path)
                assert named in message, (way.__name__, entry, value, message)


def test_none_is_the_same_as_missing(whole, tmp_path):
    path = tmp_path / "epoch_1.pth"
    torch.save({**whole, "meta": None, "message_hub": None}, path)
    check(path)
    assert "meta.epoch" in said_by(lambda: resume(path), path)


def test_the_meta_of_other_projects_is_theirs(whole, tmp_path):
    path = tmp_path / "epoch_1.pth"
    torch.save(dict(state_dict=whole["state_dict"], meta=["by", "somebody"]), path)
    check(path)
    assert "meta.epoch" in said_by(lambda: resume(path), path)


def test_an_option_lets_a_run_go_on_without_the_optimizer(whole, tmp_path):
    path = tmp_path / "epoch_1.pth"
    torch.save({k: v for k, v in whole.items() if k != "optimizer"}, path)
    cfg = toy_config(
        tmp_path / "run",
        load_from=str(path),
        resume=True,
        default_hooks__checkpoint__save_optimizer=False,
    )
    toy_runner(cfg).train()
    assert (tmp_path / "run" / "epoch_2.pth").exists()


def test_numbers_of_numpy_count(whole, tmp_path):
    broken = copy.deepcopy(whole)
    broken["meta"]["epoch"] = np.int64(1)
    torch.save(broken, tmp_path / "epoch_1.pth")
    resume(tmp_path / "epoch_1.pth")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (torch.ones(2, 2, dtype=torch.complex64), "complex numbers"),
        (torch.ones(2, 2, dtype=torch.int8), r"torch\.int8"),
        (torch.ones(2, 2).to_sparse(), "sparse"),
        (torch.ones(2, 2, device="meta"), "meta device"),
    ],
    ids=["complex", "int", "sparse", "meta"],
)
def test_starting_from_such_weights(tmp_path, value, said):
    path = tmp_path / "x.pth"
    torch.save(dict(weight=value, bias=torch.ones(2)), path)
    with pytest.raises(
        ValueError, match=rf"(?s){re.escape(str(path))}.*weight.*{said}"
    ):
        AdaptedPretrained(str(path))(nn.Linear(2, 2))


def test_half_and_double_weights_fill_a_float_network(tmp_path):
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        weights = dict(weight=torch.ones(2, 2, dtype=dtype), bias=torch.ones(2))
        torch.save(weights, tmp_path / "x.pth")
        layer = nn.Linear(2, 2)
        AdaptedPretrained(str(tmp_path / "x.pth"))(layer)
        assert layer.weight.dtype == torch.float32 and (layer.weight == 1).all()


def test_they_are_all_of_one_type():
    assert issubclass(CheckpointError, ValueError)
