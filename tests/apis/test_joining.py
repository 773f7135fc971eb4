"""Models of single tasks joined into one: each head says what it says alone."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from conftest import ROOT
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from mmstconv.apis import class_names, join_tasks, load_recognizer
from mmstconv.apis.tasks import (
    caption_head,
    class_head,
    event_head,
    names_of_classes,
    summary_head,
)
from mmstconv.disk import ForeignFile

T, SECONDS = 40, 5.0
NAMES = ["up", "down", "none"]
STREAM = dict(
    backbone=dict(type="STConvNet", stages=[dict(channels=4)]),
    neck=dict(type="LSTMTemporalNeck", in_channels=4, hidden_channels=6),
)
GATED = dict(type="GatedMultimodalUnit", channels=7)
HEADS = dict(
    classes=dict(type="TriModalFusionHead", num_classes=3, score_subsets=True),
    events=dict(type="TemporalEventHead", num_classes=3, channels=6, levels=2),
    summary=dict(type="SummaryHead", channels=8, num_heads=2, score_subsets=True),
)
PIPELINE = [dict(type="OpenMedia"), dict(type="SampleClips", clip_len=8, fps=8)]


def write(folder, name, head, *, streams=0, joint=None, pipeline=PIPELINE, seed=0):
    """A config and a checkpoint of a task; ``streams`` seeds the shared weights."""
    init_default_scope("mmaction")
    model = dict(
        type="TriModalRecognizer",
        streams=dict(rgb=STREAM, flow=copy.deepcopy(STREAM)),
        joint=dict(dict(steps=8, fusion=GATED), **(joint or {})),
        cls_head=head,
        cached_steps=True,
    )
    model["streams"]["flow"]["backbone"]["in_channels"] = 2
    config, checkpoint = folder / f"{name}.py", folder / f"{name}.pth"
    Config(dict(model=model, test_pipeline=pipeline)).dump(config)
    torch.manual_seed(100 + seed)
    built = MODELS.build(copy.deepcopy(model))
    for parameter in built.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    torch.manual_seed(streams)
    for part in (built.streams, built.joint.fusion):
        for parameter in part.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    meta = dict(dataset_meta=dict(classes=tuple(f"{name} {n}" for n in NAMES)))
    torch.save(dict(state_dict=built.state_dict(), meta=meta), checkpoint)
    return config, checkpoint


def film():
    generator = torch.Generator().manual_seed(4)
    feats = {n: torch.randn(2, 1, T, 6, generator=generator) for n in ("rgb", "flow")}
    samples = []
    for row in range(2):
        sample = ActionDataSample()
        sample.set_metainfo(
            dict(
                filename=f"{row}.mp4",
                presence=dict(rgb=True, flow=row == 0),
                step_count=T - 9 * row,
                clip_starts=[1.0],
                clip_duration=SECONDS,
                num_classes=3,
            )
        )
        samples.append(sample)
    return feats, samples


def predicted(config, checkpoint):
    model = load_recognizer(str(config), str(checkpoint), "cpu")
    feats, samples = film()
    with torch.inference_mode():
        return model, model.predict(feats, samples)


def numbers(value):
    """All that a prediction holds, as arrays."""
    if isinstance(value, dict) or hasattr(value, "all_items"):
        for key in sorted(value.keys()):
            yield from numbers(
                value[key] if isinstance(value, dict) else value.get(key)
            )
    else:
        yield np.asarray(value, np.float64)


def test_each_head_says_what_its_own_model_says(tmp_path):
    parts = {
        name: write(tmp_path, name, head, seed=k)
        for k, (name, head) in enumerate(HEADS.items())
    }
    joined, found = predicted(*join_tasks(parts, tmp_path / "joined.pth"))
    wrong, compared = [], 0
    for name, files in parts.items():
        alone, own = predicted(*files)
        for one, other in zip(found, own):
            for key, value in other.items():
                pairs = zip(numbers(one.get(key)), numbers(value), strict=True)
                for ours, theirs in pairs:
                    compared += ours.size
                    if ours.shape != theirs.shape or np.abs(ours - theirs).max() > 1e-6:
                        wrong.append((name, key))
        head = dict(joined.cls_head.heads.items())[name]
        if hasattr(head, "num_classes"):
            assert names_of_classes(joined, head) == class_names(alone)
    assert not wrong and compared > 500
    heads = joined.cls_head.heads
    assert class_head(joined) is heads["classes"]
    assert event_head(joined) is heads["events"]
    assert summary_head(joined) is heads["summary"] and caption_head(joined) is None
    assert class_names(joined) == [f"classes {name}" for name in NAMES]


def test_what_cannot_share_a_trunk(tmp_path):
    """One sentence names both files and in what they differ."""
    events = write(tmp_path, "events", HEADS["events"])
    other = HEADS["summary"]
    longer = [*PIPELINE[:1], dict(type="SampleClips", clip_len=16, fps=8)]
    cases = {
        "their streams differ": dict(streams=1),
        "joint.steps is 8 and 4": dict(joint=dict(steps=4)),
        "their clips differ": dict(pipeline=longer),
        "configured differently": dict(joint=dict(fusion=dict(type="ConcatFusion"))),
    }
    wrong = []
    for k, (said, options) in enumerate(cases.items()):
        files = write(tmp_path, f"summary{k}", other, **options)
        with pytest.raises(ValueError) as caught:
            join_tasks(dict(events=events, summary=files), tmp_path / "joined.pth")
        message = str(caught.value)
        if said not in message or "summary" not in message or "\n" in message:
            wrong.append((said, message))
    config, checkpoint = write(tmp_path, "taught", other)
    content = torch.load(checkpoint)
    key = next(k for k in content["state_dict"] if k.startswith("joint.fusion"))
    content["state_dict"][key] += 1
    torch.save(content, checkpoint)
    with pytest.raises(ValueError, match="their joints have other weights"):
        join_tasks(dict(a=events, b=(config, checkpoint)), tmp_path / "joined.pth")
    assert not wrong and not (tmp_path / "joined.pth").exists()


def test_bad_arguments_and_files_of_others(tmp_path):
    events = write(tmp_path, "events", HEADS["events"])
    summary = write(tmp_path, "summary", HEADS["summary"])
    tasks = dict(events=events, summary=summary)
    with pytest.raises(ValueError, match="two tasks or more"):
        join_tasks(dict(events=events), tmp_path / "joined.pth")
    with pytest.raises(ValueError, match=r"must end with \.pth"):
        join_tasks(tasks, tmp_path / "joined")
    (tmp_path / "joined.py").write_text("mine\n")
    with pytest.raises(ForeignFile, match=r"joined\.py"):
        join_tasks(tasks, tmp_path / "joined.pth")
    config, checkpoint = join_tasks(tasks, tmp_path / "both.pth")
    with pytest.raises(ValueError, match="has several heads already"):
        join_tasks(dict(a=(config, checkpoint), b=events), tmp_path / "three.pth")
    assert (tmp_path / "joined.py").read_text() == "mine\n"


def test_a_joint_that_is_left_alone_stays_as_it_is(tmp_path):
    """What docs/analyze.md says of the second task, with the schedule of the events."""
    config, checkpoint = write(tmp_path, "summary", HEADS["summary"])
    model = load_recognizer(str(config), str(checkpoint), "cpu").train()
    text = (ROOT / "docs/analyze.md").read_text()
    (said,) = (part for part in text.split("```") if "lr_mult=0" in part)
    (tmp_path / "schedule.py").write_text(said.removeprefix("python"))
    cfg = Config.fromfile(ROOT / "configs/_base_/schedules/event_adamw.py")
    cfg.merge_from_dict(Config.fromfile(tmp_path / "schedule.py").to_dict())
    wrapper = build_optim_wrapper(model, dict(cfg.optim_wrapper))
    before = {name: x.clone() for name, x in model.named_parameters()}
    for _ in range(3):
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.grad = torch.randn_like(parameter)
        wrapper.step()
    changed = {n for n, x in model.named_parameters() if not x.equal(before[n])}
    assert any(name.startswith("joint.") for name in before)
    assert changed and all(name.startswith("cls_head.") for name in changed)
