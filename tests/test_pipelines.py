"""Named steps: what a child config says in one line, and what MMEngine makes of it."""

from __future__ import annotations

import copy

import pytest
from conftest import ROOT
from mmengine.config import Config

from mmstconv.engine.configs import ConfigError, read_config
from mmstconv.pipelines import changed_steps, pipelines
from mmstconv.private_names import write_config_plainly

SPLITS = ("train", "val", "test")
STEPS = dict(
    open=dict(type="Open"),
    clip=dict(type="Clip", clip_len=16, fps=12),
    frames=[dict(type="Load"), dict(type="Crop")],
    sound=dict(type="Sound", sample_rate=16000),
    audio=dict(type="Mel"),
    format=dict(type="Format"),
    pack=dict(type="Pack"),
    modalities=["rgb", "audio"],
    needs=dict(rgb=["frames"], audio=["sound", "audio"]),
    train=dict(frames=[dict(type="Load"), dict(type="Flip")]),
    val=dict(clip=dict(test_mode=True)),
    test=dict(clip=dict(test_mode=True, num_clips=10)),
)
STLITE = "recognition/stconvnet/stlite_lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio"


def types(pipeline):
    return [step["type"] for step in pipeline]


def after(**changes):
    return pipelines(changed_steps(STEPS, changes))


def test_the_three_lists():
    train, val, test = pipelines(STEPS)
    names = ["Open", "Clip", "Load", "Crop", "Sound", "Mel", "Format", "Pack"]
    assert types(val) == types(test) == names
    assert types(train) == [*names[:3], "Flip", *names[4:]]
    assert train[1] == dict(type="Clip", clip_len=16, fps=12)
    assert val[1] == dict(train[1], test_mode=True)
    assert test[1] == dict(val[1], num_clips=10)
    assert test[-2:] == [
        dict(type="Format", modalities=["rgb", "audio"]),
        dict(type="Pack", collect_keys=["rgb", "audio"]),
    ]


def test_arguments_change_in_all_splits_or_in_one():
    for pipeline in after(clip=dict(clip_len=32)):
        assert pipeline[1]["clip_len"] == 32 and pipeline[1]["fps"] == 12
    train, val, test = after(test=dict(clip=dict(num_clips=3)))
    assert test[1] == dict(val[1], num_clips=3)
    assert "num_clips" not in train[1]


def test_a_type_or_a_list_takes_the_place_of_a_step():
    _, val, _ = after(clip=dict(type="Other"), frames=[dict(type="A")])
    assert val[1] == dict(type="Other", test_mode=True)
    assert types(val)[2:4] == ["A", "Sound"]


def test_what_is_left_out():
    _, val, _ = after(modalities=["rgb"])
    assert types(val) == ["Open", "Clip", "Load", "Crop", "Format", "Pack"]
    assert val[-1]["collect_keys"] == ["rgb"]
    _, val, _ = after(modalities=["audio"])
    assert types(val) == ["Open", "Clip", "Sound", "Mel", "Format", "Pack"]
    steps = changed_steps(STEPS, dict(modalities=["rgb"]))
    assert pipelines(changed_steps(steps, dict(modalities=["rgb", "audio"]))) == (
        pipelines(STEPS)  # what a child left out its own child takes in again
    )
    assert "Open" not in types(after(open=None)[0])


def test_a_modality_of_ones_own():
    _, val, _ = after(imu=dict(type="LoadImu"), modalities=["rgb", "imu"])
    assert types(val)[-4:] == ["Crop", "LoadImu", "Format", "Pack"]
    assert val[-2]["modalities"] == val[-1]["collect_keys"] == ["rgb", "imu"]
    _, val, _ = after(
        imu=dict(type="LoadImu"), needs=dict(imu=["imu"]), modalities=["rgb"]
    )
    assert "LoadImu" not in types(val)


def test_nothing_that_is_given_changes():
    before = copy.deepcopy(STEPS)
    for pipeline in after(clip=dict(clip_len=4), test=dict(frames=[dict(type="A")])):
        pipeline[0]["more"] = 1
    assert before == STEPS


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(clp=dict(clip_len=32)), r"no step 'clp'.*did you mean 'clip'"),
        (dict(test=dict(clp=dict(a=1))), r"no step 'clp'.*did you mean 'clip'"),
        (dict(frames=dict(short_side=64)), r"'frames' is a list.*give the whole"),
        (dict(modalities=["rgb", "adio"]), r"named 'adio'.*did you mean 'audio'"),
        (dict(sound=None), r"'audio' needs the step 'sound', which is not there"),
        (dict(needs=dict(rgb=["frams"])), r"needs the step 'frams'.*'frames'"),
    ],
    ids=str,
)
def test_mistakes(changes, message):
    with pytest.raises(ValueError, match=message):
        after(**changes)


def child(folder, text, base=STLITE):
    """A config of a user's, read by MMEngine."""
    path = folder / "child.py"
    path.write_text(
        f'_base_ = ["{base}"]\n\n'
        f"from mmstconv.pipelines import change_steps\n\n{text}\n"
    )
    return Config.fromfile(path)


@pytest.mark.parametrize(
    "base", [f"{ROOT}/configs/{STLITE}.py", f"mmstconv::{STLITE}.py"], ids=len
)
def test_a_child_config(tmp_path, base):
    """By file path and by package name; its own variables still count."""
    cfg = child(
        tmp_path,
        'change_steps(_base_, clip=dict(clip_len=32), flow=dict(method="tvl1"),\n'
        '             modalities=["rgb", "flow"])\n'
        "train_dataloader = dict(batch_size=8)",
        base,
    )
    assert cfg.train_dataloader.batch_size == 8
    assert cfg.train_dataloader.dataset.ann_file.startswith("data/ucf101")
    for split in SPLITS:
        pipeline = cfg[f"{split}_pipeline"]
        assert pipeline == cfg[f"{split}_dataloader"].dataset.pipeline
        by_type = {step.type: step for step in pipeline}
        assert by_type["SampleClips"].clip_len == 32
        assert by_type["ComputeFlow"].method == "tvl1"
        assert by_type["ComputeFlow"].shrink == 2  # of the base
        assert "LogMel" not in by_type and "LoadWaveform" not in by_type
        assert by_type["FormatClips"].modalities == ["rgb", "flow"]
    whole = Config.fromfile(f"{ROOT}/configs/{STLITE}.py")
    assert whole.test_pipeline[1].clip_len == 16  # nothing is shared between configs


def test_a_child_of_a_child(tmp_path):
    first = child(
        tmp_path,
        "change_steps(_base_, clip=dict(clip_len=32))",
        f"{ROOT}/configs/{STLITE}.py",
    )
    first.dump(tmp_path / "dumped.py")
    cfg = child(tmp_path, "change_steps(_base_, clip=dict(fps=6))", "dumped.py")
    assert (cfg.test_pipeline[1].clip_len, cfg.test_pipeline[1].fps) == (32, 6)


def test_data_sets_inside_of_data_sets(tmp_path):
    (tmp_path / "base.py").write_text(
        "from mmstconv.pipelines import pipelines\n"
        "steps = dict(clip=dict(type='SampleClips', clip_len=16))\n"
        "train_pipeline, val_pipeline, test_pipeline = pipelines(steps)\n"
        "one = dict(type='MultiModalVideoDataset', pipeline=train_pipeline)\n"
        "train_dataloader = dict(dataset=dict(type='RepeatDataset', dataset=dict(\n"
        "    type='ConcatDataset', datasets=[one, one])))\n".replace(
            "from", "_base_ = []\nfrom", 1
        )
    )
    cfg = child(tmp_path, "change_steps(_base_, clip=dict(clip_len=32))", "base.py")
    for part in cfg.train_dataloader.dataset.dataset.datasets:
        assert part.pipeline[0].clip_len == 32
    assert "val_dataloader" not in cfg


def test_a_base_without_steps(tmp_path):
    (tmp_path / "base.py").write_text("train_pipeline = []\n")
    with pytest.raises(ValueError, match=r"no base of this config has steps"):
        child(tmp_path, "change_steps(_base_, clip=dict(clip_len=32))", "base.py")


def test_an_option_that_would_change_nothing():
    """Steps are read before options are: said, and what to write instead."""
    path = f"{ROOT}/configs/{STLITE}.py"
    with pytest.raises(ConfigError, match=r"steps\.clip\.clip_len.*pipeline\.1"):
        read_config(path, {"steps.clip.clip_len": 32})
    read_config(path, {"train_dataloader.dataset.pipeline.1.clip_len": 32})


def test_dumped_and_changed_on_the_command_line(tmp_path):
    """Every config; and ``--cfg-options`` change what is dumped."""
    wrong = []
    for path in sorted((ROOT / "configs").glob("[!_]*/*/*.py")):
        cfg = Config.fromfile(path)
        # Configs of films read what the streams have said of clips, not clips.
        of_clips = "cached_steps" not in cfg.model
        for split in SPLITS if of_clips else ():
            if cfg[f"{split}_dataloader"] is None:  # a stage that is only trained
                continue
            pipeline = cfg[f"{split}_pipeline"]
            if pipeline != cfg[f"{split}_dataloader"].dataset.pipeline:
                wrong.append(f"{path.name}: {split}: two pipelines")
            if type(pipeline) is not list or not all("type" in s for s in pipeline):
                wrong.append(f"{path.name}: {split}: no plain list of transforms")
        tested = of_clips and cfg.test_dataloader is not None
        if tested:
            cfg.merge_from_dict({"test_dataloader.dataset.pipeline.1.clip_len": 5})
        write_config_plainly(cfg)
        cfg.dump(tmp_path / "dumped.py")
        again = Config.fromfile(tmp_path / "dumped.py")
        if again.to_dict() != cfg.to_dict():
            wrong.append(f"{path.name}: differs when dumped and read again")
        if tested and again.test_dataloader.dataset.pipeline[1].clip_len != 5:
            wrong.append(f"{path.name}: --cfg-options do not reach the loader")
    assert not wrong, "\n".join(wrong)
