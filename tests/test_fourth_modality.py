"""A modality of the user's own, through training, the report and a long video."""

from __future__ import annotations

import json

import pytest
from conftest import ROOT, data_options
from datasets.test_own_modality import AXES, LoadDrawnImu
from mmengine.config import Config

from mmstconv.apis import predict_video, score_video
from mmstconv.engine.launch import build_runner

DEMO = ROOT / "configs/recognition/demo/stconvnet_lstm_demo-rgb-flow-audio.py"
CHILD = """
_base_ = [{base!r}]

from mmstconv.pipelines import change_steps

change_steps(
    _base_,
    imu=dict(type={loader!r}),
    needs=dict(imu=["imu"]),
    modalities=["rgb", "flow", "audio", "imu"],
)
model = dict(
    data_preprocessor=dict(
        preprocessors=dict(imu=dict(type="ActionDataPreprocessor"))
    ),
    streams=dict(
        imu=dict(
            backbone=dict(
                type="AudioConvNet", in_channels={axes}, stages=[dict(channels=8)]
            ),
            neck=dict(type="LSTMTemporalNeck", hidden_channels=8),
        )
    ),
    modality_dropout=dict(imu=0.5),
    cls_head=dict(aux_loss_weight=0.3, score_subsets=True, train_without=["imu"]),
)
val_evaluator = dict(_delete_=True, type="ModalityMetric")
test_evaluator = val_evaluator
train_cfg = dict(max_epochs=1, val_interval=1)
default_hooks = dict(checkpoint=dict(save_best=None))
"""


@pytest.fixture(scope="module")
def trained(demo_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("imu")
    path = folder / "four.py"
    text = CHILD.format(base=str(DEMO), loader=LoadDrawnImu.__name__, axes=AXES)
    path.write_text(text)
    cfg = Config.fromfile(path)
    cfg.merge_from_dict({**data_options(demo_data), "train_cfg.max_epochs": 1})
    cfg.val_evaluator.out_dir = str(folder / "report")
    runner = build_runner(cfg, str(path), str(folder / "run"), "none")
    runner.train()
    model = runner.model.eval()
    model.cfg = cfg
    return folder, runner, model


def test_its_report_has_sixteen_subsets(trained):
    folder, runner, _ = trained
    report = json.loads((folder / "report" / "modality_report.json").read_text())
    assert report["modalities"] == ["rgb", "flow", "audio", "imu"]
    assert len(report["subsets"]) == 16
    losses = runner.message_hub.log_scalars
    assert "train/loss_aux_imu" in losses
    overall = report["overall"]["measures"]
    gains = [overall[f"shapley/{name}"] for name in report["modalities"]]
    difference = overall["acc/rgb+flow+audio+imu"] - overall["acc/none"]
    assert sum(gains) == pytest.approx(difference)


def test_its_stream_has_moved(trained):
    _, runner, model = trained
    moved = runner.optim_wrapper.optimizer.state
    for name, parameter in model.streams.imu.named_parameters():
        assert moved[parameter]["exp_avg"].abs().max() > 0, name


def test_along_a_long_video(trained, demo_data):
    _, _, model = trained
    path = min((demo_data / "test").glob("*.mp4"))
    windows = list(score_video(model, path, hop=4))
    assert len(windows) > 1
    for window in windows:
        assert window.sample.presence == dict.fromkeys(
            ("rgb", "flow", "audio", "imu"), True
        )
        assert window.scores.sum() == pytest.approx(1, abs=1e-5)
    only_imu = [window.sample.subset_scores["imu"] for window in windows]
    assert not only_imu[0].equal(only_imu[1])  # it is read at the window's time
    alone = predict_video(model, path)
    assert alone.presence["imu"] and len(alone.subset_scores) == 16
