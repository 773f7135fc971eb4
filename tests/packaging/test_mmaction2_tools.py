"""MMAction2's own tools on our config, run through ``tools/mmaction2.py``.

The README's table says which do not work and why.
"""

from __future__ import annotations

import pickle
import runpy
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
from conftest import data_options, load_script
from mmaction.registry import MODELS, VISBACKENDS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "configs/recognition/demo"


def call(monkeypatch, name, *args):
    """The tool in this process: MMAction2's models are imported once."""
    command = ["mmaction2.py", name, *map(str, args)]
    monkeypatch.setattr(sys, "argv", command)
    monkeypatch.setattr(sys, "path", list(sys.path))
    runpy.run_path(str(ROOT / "tools/mmaction2.py"), run_name="__main__")


def child(folder, demo_data, name):
    cfg = Config.fromfile(DEMO / name)
    cfg.merge_from_dict(data_options(demo_data))
    for split in ("train", "val", "test"):
        metainfo = dict(classes=str(demo_data / "classes.txt"))
        cfg[f"{split}_dataloader"].dataset.metainfo = metainfo
    cfg.train_cfg.update(max_epochs=1)
    cfg.work_dir = str(folder)
    path = folder / name
    cfg.dump(path)
    return path


@pytest.fixture(scope="module")
def config(demo_data, tmp_path_factory):
    """The tri-modal demo on the few generated files."""
    folder = tmp_path_factory.mktemp("tri")
    return child(folder, demo_data, "stconvnet_lstm_demo-rgb-flow-audio.py")


@pytest.fixture(scope="module")
def tested(demo_data, tmp_path_factory):
    """A config, its checkpoint, and the dumped predictions."""
    folder = tmp_path_factory.mktemp("tested")
    path = child(folder, demo_data, "stconvnet_lstm_demo-audio.py")
    cfg = Config.fromfile(path)
    cfg.default_hooks.checkpoint.interval = 1
    dump = dict(type="DumpResults", out_file_path=str(folder / "predictions.pkl"))
    cfg.test_evaluator = [cfg.test_evaluator, dump]
    runner = Runner.from_cfg(cfg)
    runner.train()
    runner.test()
    return path, folder / "epoch_1.pth", folder / "predictions.pkl"


def test_print_config(monkeypatch, config, capsys):
    call(monkeypatch, "print_config", config)
    assert "type='TriModalRecognizer'" in capsys.readouterr().out


def test_confusion_matrix(monkeypatch, tested, tmp_path):
    monkeypatch.setenv("MPLBACKEND", "agg")
    path, checkpoint, predictions = tested
    # the tool ends logging for good
    monkeypatch.setattr("logging.shutdown", lambda: None)
    results = []
    for number, source in enumerate((checkpoint, predictions)):
        out, picture = tmp_path / f"{number}.pkl", tmp_path / f"{number}.png"
        args = [path, source, "--out", out, "--show-path", picture]
        call(monkeypatch, "confusion_matrix", *args)
        results.append(np.asarray(pickle.loads(out.read_bytes())))
        assert picture.stat().st_size > 0
    assert results[0].shape == (8, 8) and results[0].sum() == 8
    assert (results[0] == results[1]).all()


def test_eval_metric(monkeypatch, tested, capsys):
    path, _, predictions = tested
    call(monkeypatch, "eval_metric", path, predictions)
    assert "acc/top1" in capsys.readouterr().out


def test_report_accuracy(monkeypatch, tested, capsys):
    """Two dumps of the same scores are right as often as one of them."""
    _, _, predictions = tested
    dumped = pickle.loads(predictions.read_bytes())
    right = [int(one["pred_score"].argmax() == one["gt_label"]) for one in dumped]
    call(monkeypatch, "report_accuracy", "--preds", predictions, predictions)
    said = f"Top 1 Accuracy: {np.mean(right):.4f}"
    assert said in capsys.readouterr().out


def test_vis_scheduler(monkeypatch, config, tmp_path):
    monkeypatch.setenv("MPLBACKEND", "agg")
    picture = tmp_path / "schedule.png"
    call(monkeypatch, "vis_scheduler", config, "-d", "16", "-s", picture)
    assert picture.stat().st_size > 0


@pytest.mark.parametrize("mode", ["transformed", "concat", "pipeline"])
def test_browse_dataset(monkeypatch, config, tmp_path, mode):
    call(monkeypatch, "browse_dataset", config, tmp_path, "-n", "1", "-m", mode)
    with av.open(str(tmp_path / "video_0.mp4")) as video:
        frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    assert len(frames) == 9  # a clip of 8 steps of flow
    wide = frames[0].shape[1] / frames[0].shape[0]
    assert (wide > 1) == (mode != "transformed")


@pytest.mark.parametrize("name", ["rgb-flow-audio", "audio"])
def test_show_dir(monkeypatch, demo_data, tmp_path, name):
    """Pictures of the frames a sample was recognised by, if it has any."""
    path = child(tmp_path, demo_data, f"stconvnet_lstm_demo-{name}.py")
    cfg = Config.fromfile(path)
    init_default_scope("mmaction")
    model = MODELS.build(cfg.model)
    torch.save(dict(state_dict=model.state_dict()), tmp_path / "weights.pth")
    command = ["test.py", path, tmp_path / "weights.pth", "--show-dir"]
    command += [tmp_path / "shown", "--interval", "4"]
    monkeypatch.setattr(sys, "argv", [str(part) for part in command])
    load_script("tools/test.py").main()
    shown = list(tmp_path.glob("shown/*/frames_0/*.png"))
    assert len(shown) == (0 if name == "audio" else 2 * 8)


def test_a_video_keeps_its_colours(tmp_path):
    """MMAction2 gives its backend BGR frames to write; red must come out red."""
    backend = VISBACKENDS.build(dict(type="LocalVisBackend", save_dir=str(tmp_path)))
    red = np.zeros((4, 31, 32, 3), np.uint8)
    red[..., 2] = 255
    backend.add_video("red", red, fps=5, out_type="video")
    with av.open(str(tmp_path / "red.mp4")) as video:
        frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    assert len(frames) == 4 and frames[0].shape == (31, 32, 3)
    assert np.abs(frames[0].astype(int) - (255, 0, 0)).max() < 12


def test_shown_frames_replace_their_own_alone(tmp_path):
    backend = VISBACKENDS.build(dict(type="LocalVisBackend", save_dir=str(tmp_path)))
    for level in (0, 200):
        backend.add_video("a", np.full((2, 4, 4, 3), level, np.uint8))
    image = tmp_path / "a" / "frames_0" / "1.png"
    assert cv2.imread(str(image)).min() == 200
    image.write_bytes(b"mine")
    with pytest.raises(FileExistsError, match=r"1\.png is there and was not written"):
        backend.add_video("a", np.zeros((2, 4, 4, 3), np.uint8))
    assert image.read_bytes() == b"mine"


def test_an_unknown_tool_lists_the_tools(monkeypatch):
    with pytest.raises(SystemExit, match="browse_dataset"):
        call(monkeypatch, "no_such_tool")


def test_our_get_flops_counts_by_hand():
    """The audio stream: 1D convolutions over log-mel, then the LSTM's weights."""
    get_flops = load_script("tools/analysis/get_flops.py")
    counts = get_flops.count(Config.fromfile(DEMO / "stconvnet_lstm_demo-audio.py"))
    operations, parameters, (batch, bands, steps) = counts["audio"]
    assert (batch, bands) == (1, 64)
    half = steps // 2
    convolutions = 64 * 64 * 3 * (steps + half)
    lstm = 4 * 64 * (64 + 64) * (half // 2)
    assert operations == convolutions + lstm
    assert counts["all"][0] == operations + 64 * 8  # the head
    assert counts["all"][1] == parameters + 64 * 8 + 8


def test_our_get_flops_as_a_command(monkeypatch, config, capsys):
    script = load_script("tools/analysis/get_flops.py")
    monkeypatch.setattr(sys, "argv", ["get_flops.py", str(config)])
    script.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == "part all rgb flow audio".split()
    assert "(1, 3, 8, 56, 56)" in lines[2]


def test_our_get_flops_of_a_config_without_a_model(monkeypatch, tmp_path):
    script = load_script("tools/analysis/get_flops.py")
    path = tmp_path / "part.py"
    path.write_text("model = None\n")
    monkeypatch.setattr(sys, "argv", ["get_flops.py", str(path)])
    with pytest.raises(SystemExit, match=r"part\.py: it has no model"):
        script.main()
