"""Files from when the head fused the streams, through every way weights come in."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from engine.joint_run import Clips, Record, joint_runner, loader
from helpers_culprits import culprits
from mmaction.apis import init_recognizer
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.registry import DefaultScope
from mmengine.runner import CheckpointLoader, load_checkpoint
from models.conftest import build_inputs, build_model, build_samples, model_cfg

from mmstconv.apis import load_recognizer
from mmstconv.checkpoints.reading import read_checkpoint
from mmstconv.checkpoints.renames import MOVED, renamed

# Every part that has moved has weights here.
HEAD = dict(
    fusion=dict(type="GatedMultimodalUnit"),
    temporal=dict(type="AttentionOverTime"),
    steps=2,
    aux_loss_weight=0.3,
)
NEW = {"joint", "joint.dropout"}  # modules without weights


def former(weights: dict) -> OrderedDict:
    """The same weights, in the same order, as the head had them."""

    def name(key: str) -> str:
        for old, new in MOVED.items():
            if key.startswith(new):
                return old + key[len(new) :]
        return key

    old = OrderedDict((name(key), value) for key, value in weights.items())
    modules = getattr(weights, "_metadata", {})
    old._metadata = OrderedDict(
        (name(f"{key}.")[:-1], value)
        for key, value in modules.items()
        if key not in NEW
    )
    for old_part, new_part in MOVED.items():
        assert any(key.startswith(old_part) for key in old)
        assert not any(key.startswith(new_part) for key in old)
    return old


def scores(model) -> torch.Tensor:
    torch.manual_seed(1)
    model.eval()
    with torch.no_grad():
        found = model(build_inputs(), build_samples(), mode="predict")
    return torch.stack([one.pred_score for one in found])


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model, its scores, a file with the former names, and a config."""
    folder = tmp_path_factory.mktemp("saved")
    torch.manual_seed(0)
    model = build_model(**HEAD)
    torch.save(dict(state_dict=former(model.state_dict())), folder / "old.pth")
    Config(
        dict(
            default_scope="mmaction",
            custom_imports=dict(imports=["mmstconv"]),
            model=model_cfg(**HEAD),
            test_pipeline=[],
        )
    ).dump(folder / "config.py")
    return model, scores(model), folder / "old.pth", str(folder / "config.py")


def is_same(model, expected) -> bool:
    return all(
        torch.equal(value, expected.state_dict()[key])
        for key, value in model.state_dict().items()
    )


def test_every_api_reads_them(saved, tmp_path):
    model, answer, path, config = saved
    bare = tmp_path / "bare.pth"  # no container around the weights
    torch.save(former(model.state_dict()), bare)

    def stock(file):
        other = build_model(**HEAD)
        load_checkpoint(other, str(file), map_location="cpu", strict=True)
        return other

    ways = dict(
        load_recognizer=lambda file: load_recognizer(config, str(file), "cpu"),
        init_recognizer=lambda file: init_recognizer(config, str(file), "cpu"),
        load_checkpoint=stock,
    )

    def check(way, file):
        assert torch.equal(scores(ways[way](file)), answer)

    cases = [(way, file) for way in ways for file in (path, bare)]
    assert culprits(check, cases) == []


def test_a_part_is_initialised_from_them(saved):
    """By its prefix, with MMEngine's ``Pretrained`` and with ours."""
    model, _, path, _ = saved
    for kind in ("Pretrained", "AdaptedPretrained"):
        for part, source in (
            ("joint.fusion", model.joint.fusion),
            ("joint.temporal", model.joint.temporal),
            ("joint.fused_temporal", model.joint.fused_temporal),
        ):
            cfg = model_cfg(**HEAD)
            start = dict(type=kind, checkpoint=str(path), prefix=part)
            if part == "joint.fusion":
                cfg["joint"]["fusion"]["init_cfg"] = start
            other = MODELS.build(cfg)
            target = other.get_submodule(part)
            target.init_cfg = start
            with DefaultScope.overwrite_default_scope("mmaction"):
                other.init_weights()
            assert is_same(target, source), (kind, part)


class Listed(Clips):
    """With what the ``ConsistencyHook`` asks of a data set."""

    def get_data_info(self, index):
        return dict(label=self.rows[index]["data_samples"].gt_label.item())


class Kept(BaseMetric):
    """The scores of a test, in order."""

    def process(self, data_batch, data_samples):
        self.results += [one.pred_score for one in data_samples]

    def compute_metrics(self, results):
        self.scores = results
        return {}


def test_a_run_is_tested_and_started_with_them(saved, tmp_path):
    model, _, path, _ = saved

    def tested(name, hooks=(), **parts):
        kept = Kept()
        joint_runner(
            tmp_path / name,
            hooks,
            data=Listed(),
            test_dataloader=loader(Listed()),
            test_cfg=dict(),
            test_evaluator=kept,
            **parts,
        ).test()
        return torch.stack(kept.scores)

    hooks = [dict(type="ConsistencyHook")]
    before = tested("own", model=model)
    for name, kind in (("plain", []), ("checked", hooks)):
        after = tested(name, head=HEAD, load_from=str(path), hooks=kind)
        assert torch.equal(after, before), name
    started = joint_runner(
        tmp_path / "b", hooks, head=HEAD, data=Listed(), load_from=str(path), epochs=0
    )
    started.train()
    assert is_same(started.model, model)


def test_a_training_goes_on_from_them(tmp_path):
    """As from today's names: momentum belongs to the same parameters."""

    def run(work_dir: Path, epochs, **resumed):
        record = Record()
        runner = joint_runner(
            work_dir,
            [record, dict(type="ConsistencyHook")],
            head=HEAD,
            data=Listed(),
            epochs=epochs,
            optim_wrapper=dict(optimizer=dict(type="Adam", lr=0.01)),
            checkpoint=dict(type="AtomicCheckpointHook", interval=1),
            **resumed,
        )
        runner.train()
        return runner.model, record.seen

    run(tmp_path / "first", 2)
    path = tmp_path / "first" / "epoch_2.pth"
    content = torch.load(path, weights_only=True)
    assert content["optimizer"]["state"]
    content["state_dict"] = former(content["state_dict"])
    old = tmp_path / "old.pth"
    torch.save(content, old)
    goes_on = dict(epochs=4, resume=True)
    model, losses = run(tmp_path / "new", load_from=str(path), **goes_on)
    other, others = run(tmp_path / "old", load_from=str(old), **goes_on)
    assert losses == others and len(losses) == 2
    assert is_same(other, model)


def test_averaged_weights_too(tmp_path):
    """MMEngine's ``EMAHook`` keeps them below ``module.``, beside a counter."""
    weights = former(build_model(**HEAD).state_dict())
    ema = {f"module.{key}": value for key, value in weights.items()}
    content = dict(state_dict=weights, ema_state_dict=dict(ema, steps=torch.ones(1)))
    torch.save(content, tmp_path / "x.pth")
    loaded = CheckpointLoader.load_checkpoint(str(tmp_path / "x.pth"))
    found = loaded["ema_state_dict"].keys() - {"steps"}
    assert found == {f"module.{key}" for key in loaded["state_dict"]}
    assert loaded["state_dict"].keys() == build_model(**HEAD).state_dict().keys()


def test_all_else_keeps_its_names(tmp_path):
    """Files of today, of other projects, and heads that have a fusion of their own."""
    today = build_model(**HEAD).state_dict()
    stream, own = "streams.rgb.weight", "cls_head.fusion.weight"
    without_weights = OrderedDict({stream: 1, own: 2})
    without_weights._metadata = OrderedDict({"": {}, "joint": {}, "joint.fusion": {}})
    for weights in (
        today,
        without_weights,  # a joint without parameters
        {stream: 1, "joint.fusion.weight": 2, own: 3},
        {"backbone.conv.weight": 1, own: 2},  # another recognizer's
        {stream: 1, "cls_head.fusions.weight": 2},
        {0: 1, stream: 2},
        {},
    ):
        assert renamed(weights) is weights, list(weights)[:3]
    torch.save(without_weights, tmp_path / "x.pth")
    assert list(read_checkpoint(tmp_path / "x.pth")) == [stream, own]


def test_values_and_their_order_stay():
    weights = former(build_model(**HEAD).state_dict())
    before = list(weights)
    moved = renamed(weights)
    assert list(weights) == before  # the one that is given is not changed
    assert [id(value) for value in moved.values()] == [
        id(value) for value in weights.values()
    ]
    own = build_model(**HEAD).state_dict()
    assert list(moved) == list(own)
    assert moved._metadata.keys() == own._metadata.keys() - NEW
