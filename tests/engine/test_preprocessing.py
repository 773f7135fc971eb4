"""Weights and the input they were trained on: a config that differs is refused."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch
from conftest import data_options, plain_config
from mmaction.models import ActionDataPreprocessor
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmstconv.checkpoints.provenance import read_provenance
from mmstconv.engine.trained_input import compare_preprocessor

DEMO = Path(__file__).resolve().parents[2] / "configs/recognition/demo"
# What the demo configs give each stream, stated apart from them.
TRAINED_ON = dict(
    rgb=dict(
        modality="rgb",
        mean=[127.5, 127.5, 127.5],
        std=[64.0, 64.0, 64.0],
        channel_order="RGB",
        clip=[8, 56, 56],
    ),
    flow=dict(
        modality="flow", mean=[0.0, 0.0], std=[2.0, 2.0], bound=20.0, clip=[8, 56, 56]
    ),
    audio=dict(
        modality="audio",
        features="log-mel",
        sample_rate=16000,
        n_mels=64,
        n_fft=1024,
        hop_length=320,
        f_min=0.0,
        f_max=8000.0,
        mean=[-8.0],
        std=[5.0],
    ),
)


def converted(path, backbone, preprocessing):
    """A file in the doctor's format, with random weights."""
    weights = MODELS.build(backbone).state_dict()
    weights = {f"backbone.{key}": value for key, value in weights.items()}
    plain = Config(dict(backbone)).to_dict()
    meta = dict(mmstconv=dict(backbone=plain, preprocessing=preprocessing))
    torch.save(dict(state_dict=weights, meta=meta), path)
    return str(path)


def config(demo_data, work_dir, streams, **options):
    cfg = plain_config(DEMO / f"stconvnet_lstm_demo-{streams}.py")
    cfg.work_dir = str(work_dir)
    cfg.merge_from_dict(
        {**data_options(demo_data), "train_cfg.max_epochs": 1, **options}
    )
    for split in ("train", "val", "test"):
        cfg[f"{split}_dataloader"].dataset.indices = 2
    cfg.default_hooks.checkpoint.interval = 1
    return cfg


def start_from_files(cfg, folder, **changes):
    """Each stream's backbone begins with a file; ``changes`` to what files say."""
    init_default_scope("mmaction")
    files = {}
    for name, stream in cfg.model.streams.items():
        said = {**TRAINED_ON[name], **changes.get(name, {})}
        files[name] = converted(folder / f"{name}.pth", stream.backbone, said)
        stream.backbone.init_cfg = dict(
            type="Pretrained", checkpoint=files[name], prefix="backbone"
        )
    return files


def test_what_agrees_trains_from_the_files(demo_data, tmp_path):
    cfg = config(demo_data, tmp_path, "rgb-flow-audio")
    cfg.optim_wrapper.optimizer.lr = 0.0
    files = start_from_files(cfg, tmp_path)
    runner = Runner.from_cfg(cfg)
    runner.train()
    for name, path in files.items():
        weights = torch.load(path, weights_only=True)["state_dict"]
        params = dict(runner.model.streams[name].named_parameters())
        shared = params.keys() & weights.keys()
        assert shared and all(params[key].equal(weights[key]) for key in shared)


@pytest.mark.parametrize(
    ("stream", "changes"),
    [
        (
            "rgb",
            {
                "mean": [127.5, 127.5, 104.0],
                "std": [1.0, 1.0, 1.0],
                "channel_order": "BGR",
            },
        ),
        ("flow", {"mean": [1.0, 0.0], "std": [20.0, 20.0], "bound": 32.0}),
        (
            "audio",
            {
                "mean": [0.0],
                "std": [4.0],
                "sample_rate": 32000,
                "n_mels": 96,
                "n_fft": 512,
                "hop_length": 160,
                "f_min": 50.0,
                "f_max": 7800.0,
                "center": False,
                "filters": "htk",
                "warped": True,
            },
        ),
    ],
)
def test_each_difference_is_an_error(demo_data, tmp_path, stream, changes):
    """All of them at once: file, module, both values and what to write instead."""
    cfg = config(demo_data, tmp_path, stream)
    files = start_from_files(cfg, tmp_path, **{stream: changes})
    with pytest.raises(ValueError) as error:
        Runner.from_cfg(cfg).train()
    lines = str(error.value).splitlines()[1:]
    where = f"  {files[stream]} (for model.streams.{stream}.backbone): "
    for key, value in changes.items():
        told = [line for line in lines if line.startswith(f"{where}{key} is ")]
        preprocessor = key in ("mean", "std", "channel_order")
        # the pipeline for testing is not built yet when training begins
        assert len(told) == (1 if preprocessor else 3)
        if not preprocessor:
            splits = [line.rsplit(" ", 2)[1] for line in told]
            assert splits == ["train", "val", "test"]
        if key == "channel_order":
            assert "BGR in the file, RGB in the config" in told[0]
            assert told[0].endswith("preprocessors.rgb.to_rgb=True")
        elif preprocessor:
            numbers = f"[{', '.join(f'{x:g}' for x in value)}]"
            assert f"is {numbers} in the file" in told[0]
            assert told[0].endswith(
                f"write model.data_preprocessor.preprocessors.{stream}.{key}={numbers}"
            )
    assert len(lines) == sum(
        1 if key in ("mean", "std", "channel_order") else 3 for key in changes
    )


@pytest.mark.parametrize(
    ("stream", "changes", "message"),
    [
        ("flow", dict(bound=32.0), r"32 in the file, 20 .*write bound=32 in ComputeFl"),
        ("audio", dict(n_fft=512), r"512 in the file, 1024 .*n_fft=512 in LogMel"),
        ("audio", dict(warped=True), r"warped is True .* no such setting in the con"),
        ("audio", dict(features="waveform"), r"put RawAudio for LogMel in the train"),
        ("audio", dict(sample_rate=8000, f_max=None), r"8000 .*16000 .*LoadWaveform"),
    ],
)
def test_messages(demo_data, tmp_path, stream, changes, message):
    cfg = config(demo_data, tmp_path, stream)
    start_from_files(cfg, tmp_path, **{stream: changes})
    with pytest.raises(ValueError, match=message):
        Runner.from_cfg(cfg).train()


def test_only_the_pipeline_for_testing_differs(demo_data, tmp_path):
    cfg = config(demo_data, tmp_path, "flow")
    start_from_files(cfg, tmp_path)
    (step,) = (
        step
        for step in cfg.test_dataloader.dataset.pipeline
        if step.type == "ComputeFlow"
    )
    step.bound = 15.0
    with pytest.raises(ValueError, match=r"15 in the config.*the test pipeline") as e:
        Runner.from_cfg(cfg).train()
    assert len(str(e.value).splitlines()) == 2


def test_flow_of_the_device(demo_data, tmp_path):
    """Its bound stands in the model, not in a pipeline."""
    cfg = config(demo_data, tmp_path, "rgb-flow")
    start_from_files(cfg, tmp_path)
    cfg.model.data_preprocessor.flow = dict(type="TVL1Flow", bound=15.0)
    message = r"bound is 20 in the file, 15 .*bound=20 in TVL1Flow of model.data_prep"
    with pytest.raises(ValueError, match=message) as error:
        Runner.from_cfg(cfg).train()
    assert len(str(error.value).splitlines()) == 2


def test_a_preprocessor_that_swaps_channels_fits_bgr_weights(demo_data, tmp_path):
    cfg = config(demo_data, tmp_path, "rgb")
    start_from_files(cfg, tmp_path, rgb=dict(channel_order="BGR"))
    cfg.model.data_preprocessor.preprocessors.rgb.to_rgb = True
    Runner.from_cfg(cfg).train()


def test_no_normalisation_is_mean_0_and_std_1(demo_data, tmp_path):
    """As networks have it that normalise their input by themselves."""
    cfg = config(demo_data, tmp_path, "audio")
    start_from_files(cfg, tmp_path, audio=dict(mean=[0.0], std=[1.0]))
    cfg.model.data_preprocessor.preprocessors.audio = dict(
        type="ActionDataPreprocessor"
    )
    Runner.from_cfg(cfg).train()


def test_a_small_std_is_compared_by_its_ratio():
    """Waveforms in [-256, 256] have 1 / 256."""
    saved = dict(std=[1 / 256])
    for std, differs in ((1 / 256, 0), (1 / 255, 1), (1 / 128, 1), (1.0, 1)):
        preprocessor = ActionDataPreprocessor(mean=[0.0], std=[std])
        found = compare_preprocessor(saved, preprocessor, "audio")
        assert len(found) == differs, std


def test_ports_of_a_network_that_differ_in_eps(demo_data, tmp_path):
    """Every shape fits; the features are others."""
    cfg = config(demo_data, tmp_path, "rgb")
    start_from_files(cfg, tmp_path)
    cfg.model.streams.rgb.backbone.norm_cfg = dict(type="BN3d", eps=1e-3)
    message = r"eps of the batch norms is \[1e-05\] in the file, \[0\.001\] in the conf"
    with pytest.raises(ValueError, match=message):
        Runner.from_cfg(cfg).train()


def test_other_sizes_are_a_warning(demo_data, tmp_path, caplog):
    cfg = config(demo_data, tmp_path, "rgb")
    start_from_files(cfg, tmp_path, rgb=dict(clip=[16, 112, 112]))
    runner = Runner.from_cfg(cfg)
    with caplog.at_level(logging.WARNING, logger=runner.logger.name):
        runner.logger.addHandler(caplog.handler)
        runner.train()
    text = caplog.text
    assert "clips of 8 frames, the file's 16" in text
    assert "images of (56, 56), the file's (112, 112)" in text


def test_weights_of_another_modality_are_not_compared(demo_data, tmp_path):
    """Adapted from RGB to flow: RGB's mean and colours mean nothing there."""
    cfg = config(demo_data, tmp_path, "flow")
    start_from_files(cfg, tmp_path, flow=dict(TRAINED_ON["rgb"], mean=[1.0] * 3))
    Runner.from_cfg(cfg).train()


def test_a_list_of_initialisers_and_a_stream_of_its_own(demo_data, tmp_path):
    cfg = config(demo_data, tmp_path, "rgb")
    start_from_files(cfg, tmp_path, rgb=dict(std=[9.0] * 3))
    stream = cfg.model.streams.rgb
    pretrained = dict(stream.backbone.pop("init_cfg"))
    stream.init_cfg = [dict(type="Normal", layer="Conv3d"), pretrained]
    with pytest.raises(ValueError, match=r"model\.streams\.rgb\): std is \[9, 9, 9\]"):
        Runner.from_cfg(cfg).train()


def test_a_stock_recognizer_is_checked_too(demo_data, tmp_path):
    """Recognizer3D has no streams: its one preprocessor counts."""
    cfg = config(demo_data, tmp_path, "rgb")
    start_from_files(cfg, tmp_path, rgb=dict(std=[9.0] * 3))
    model = cfg.model
    cfg.model = dict(
        type="Recognizer3D",
        data_preprocessor=model.data_preprocessor.preprocessors.rgb,
        backbone=model.streams.rgb.backbone,
        cls_head=dict(type="I3DHead", num_classes=8, in_channels=64),
    )
    message = r"model\.backbone\).*write model\.data_preprocessor\.std=\[9, 9, 9\]"
    with pytest.raises(ValueError, match=message):
        Runner.from_cfg(cfg).train()


def test_files_of_others_say_nothing(demo_data, tmp_path):
    cfg = config(demo_data, tmp_path, "rgb")
    (path,) = start_from_files(cfg, tmp_path).values()
    weights = torch.load(path, weights_only=True)["state_dict"]
    for content in ({}, dict(meta=dict(epoch=3)), dict(meta="x")):
        torch.save(dict(state_dict=weights, **content), path)
        assert read_provenance(path) == {}
    Runner.from_cfg(cfg).train()


def test_files_that_do_not_open_safely_say_nothing(tmp_path):
    for name, content in (("empty", b""), ("text", b"no weights"), ("zip", b"PK\3\4")):
        (tmp_path / name).write_bytes(content)
        assert read_provenance(tmp_path / name) == {}
    torch.save(dict(meta=dict(mmstconv=Config(dict(a=1)))), tmp_path / "unsafe.pth")
    assert read_provenance(tmp_path / "unsafe.pth") == {}


def test_resuming_and_testing_need_no_files(demo_data, tmp_path):
    cfg = config(demo_data, tmp_path, "rgb")
    (path,) = start_from_files(cfg, tmp_path).values()
    runner = Runner.from_cfg(cfg)
    runner.train()
    weight = runner.model.streams.rgb.backbone.stages[0].blocks[0].conv.weight
    runner.test()  # the same runner: initialised, nothing to compare
    Path(path).unlink()

    again = config(demo_data, tmp_path / "again", "rgb")
    again.load_from = str(tmp_path / "epoch_1.pth")
    again.model.streams.rgb.backbone.init_cfg = cfg.model.streams.rgb.backbone.init_cfg
    again.experiment_name = "test"
    Runner.from_cfg(again).test()

    again.experiment_name, again.resume = "resume", True
    resumed = Runner.from_cfg(again)
    resumed.train()  # its one epoch is over
    assert resumed.epoch == 1
    other = resumed.model.streams.rgb.backbone.stages[0].blocks[0].conv.weight
    assert weight.equal(other)


def test_a_run_that_has_nothing_to_resume_from_is_checked(demo_data, tmp_path):
    cfg = config(demo_data, tmp_path, "rgb")
    start_from_files(cfg, tmp_path, rgb=dict(std=[9.0] * 3))
    cfg.resume = True
    with pytest.raises(ValueError, match="std is"):
        Runner.from_cfg(cfg).train()
