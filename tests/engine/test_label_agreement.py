"""Several classes a file: what does not go together is named before the first step."""

from __future__ import annotations

import json
import sys

import pytest
import torch
from conftest import ROOT, data_options, load_script, plain_config
from mmengine.runner import Runner

CONFIG = ROOT / "configs/recognition/demo/stconvnet_lstm_demo-audio.py"
BEST = "default_hooks.checkpoint.save_best"
NAMES = ["cool", "down", "falling"]


def config(demo_data, work_dir, several=True, **options):
    """The audio config on the attributes of the demo data, which are three."""
    cfg = plain_config(CONFIG)
    cfg.work_dir = str(work_dir)
    cfg.merge_from_dict({**data_options(demo_data), "train_cfg.max_epochs": 1})
    cfg.train_cfg.val_interval = 1
    cfg.val_evaluator = [dict(type="GatheredAccMetric"), dict(type="ModalityMetric")]
    cfg.test_evaluator = cfg.val_evaluator
    cfg.model.cls_head.update(num_classes=3, score_subsets=True, multi_class=several)
    for split in ("train", "val", "test"):
        cfg[f"{split}_dataloader"].dataset.update(
            num_classes=3,
            multi_class=True,
            ann_file=str(demo_data / f"{split}_attributes.txt"),
            metainfo=dict(classes=str(demo_data / "attributes.txt")),
        )
    for name in ("val_evaluator", "test_evaluator"):
        cfg[name] = options.pop(name, cfg[name])
    cfg.merge_from_dict({BEST: "acc/mean_average_precision", **options})
    return cfg


@pytest.fixture(scope="module")
def trained(demo_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("several")
    cfg = config(demo_data, folder, **{"model.cls_head.aux_loss_weight": 0.3})
    cfg.custom_hooks = [
        dict(type="GradientBlendingHook"),
        dict(type="GradientModulationHook"),
    ]
    runner = Runner.from_cfg(cfg)
    runner.train()
    cfg.dump(folder / "several.py")
    return folder, runner


def test_training_validates_by_mean_average_precision(trained):
    folder, runner = trained
    assert list(folder.glob("best_acc_mean_average_precision_epoch_1.pth"))
    scalars = runner.message_hub.log_scalars
    for key in ("mean_average_precision", "mmit_mean_average_precision"):
        assert 0 < scalars[f"val/acc/{key}"].current() <= 1
    mmit = scalars["val/acc/mmit_mean_average_precision"].current()
    assert scalars["val/modality/map/audio"].current() == pytest.approx(mmit)
    blended = json.loads((folder / "gradient_blending.json").read_text())
    for branch in ("fused", "stream_audio"):  # binary cross entropy in both
        own = scalars[f"val/modality/nll/{branch}"].current()
        losses = blended["history"][0]
        name = branch.removeprefix("stream_")
        assert losses["val"][name] == pytest.approx(own)
        assert losses["train"][name] == pytest.approx(own, abs=0.3)
    assert scalars["train/modulation_audio"].current() == 1  # has no rival
    meta = torch.load(folder / "epoch_1.pth", weights_only=True)["meta"]
    assert meta["dataset_meta"]["classes"] == NAMES


def test_prediction_above_a_threshold(
    trained, demo_data, monkeypatch, capsys, tmp_path
):
    """By names from the checkpoint: the data and their class file are gone."""
    folder, _ = trained
    cfg = plain_config(folder / "several.py")
    for split in ("train", "val", "test"):
        cfg[f"{split}_dataloader"].dataset.metainfo.classes = "gone/attributes.txt"
    video = min((demo_data / "val").iterdir())
    predict = load_script("tools/predict.py")

    def lines(*flags, average="prob", code=0):
        cfg.model.cls_head.average_clips = average
        cfg.dump(tmp_path / "config.py")
        command = ["predict.py", tmp_path / "config.py", folder / "epoch_1.pth", video]
        command += ["--device", "cpu", *flags]
        monkeypatch.setattr(sys, "argv", list(map(str, command)))
        with pytest.raises(SystemExit) as left:
            predict.main()
        assert left.value.code == code
        printed = capsys.readouterr().out.splitlines()
        return [line for line in printed if line.startswith("  ")]

    everything = lines("--threshold", 0)
    assert sorted(line.split()[1] for line in everything) == NAMES
    shares = [float(line.split()[0].rstrip("%")) for line in everything]
    assert shares == sorted(shares, reverse=True)
    assert all(0 <= share <= 100 for share in shares)
    assert lines("--threshold", 0, average="score") == everything  # was "-5.3%"
    (line,) = lines("--threshold", 1)
    assert line.startswith("  no class reaches the threshold; first is")
    default = [line for line, share in zip(everything, shares) if share >= 50]
    assert lines() == default or "no class reaches the threshold" in lines()[0]
    lines("--threshold", 1.5, code=2)


def test_a_mismatch_is_named_before_the_first_step(demo_data, tmp_path):
    single = ("top_k_accuracy", "mean_class_accuracy")
    (tmp_path / "other.txt").write_text("cool\nfalling\ndown\n")
    (tmp_path / "one.txt").write_text("00000.mp4 0\n00001.mp4 1\n")
    (tmp_path / "none.txt").write_text("00000.mp4\n00001.mp4\n")
    cases = [
        (dict(several=False), "is for one class a sample .CrossEntropyLoss.*"
         "train_attributes.txt has multi_class=True"),
        ({"val_dataloader.dataset.multi_class": False,
          "val_dataloader.dataset.ann_file": str(tmp_path / "one.txt")},
         "is for several classes a sample .BCELossWithLogits.*has multi_class=False"),
        ({"val_evaluator": dict(type="AccMetric")},
         "val_evaluator: top_k_accuracy, mean_class_accuracy of AccMetric cannot be"),
        ({"val_evaluator": dict(type="GatheredAccMetric", metric_list=single)},
         "of GatheredAccMetric cannot be measured on several classes a sample"),
        ({"val_evaluator": dict(type="ConfusionMatrix")}, "ConfusionMatrix is of one"),
        ({BEST: "acc/top1"}, "save_best is 'acc/top1', but val_evaluator gives "
         r".*'acc/mean_average_precision', 'acc/mmit_mean_average_precision'"),
        ({"val_dataloader.dataset.metainfo.classes": str(tmp_path / "other.txt")},
         "label 1 is 'down' in .*train_attributes.txt, but 'falling' in .*val_attrib"),
        ({"train_dataloader.dataset.ann_file": str(tmp_path / "none.txt")},
         r"none.txt: no line has a label, there is nothing to learn"),
    ]  # fmt: skip
    for number, (options, reason) in enumerate(cases):
        cfg = config(demo_data, tmp_path / str(number), **options)
        runner = Runner.from_cfg(cfg)
        with pytest.raises(ValueError, match=reason):
            runner.train()
        assert runner.iter == 0, reason


def test_a_mismatch_is_named_before_testing(trained, demo_data, tmp_path):
    folder, _ = trained
    cfg = config(demo_data, tmp_path, test_evaluator=dict(type="AccMetric"))
    cfg.load_from = str(folder / "epoch_1.pth")
    with pytest.raises(ValueError, match="test_evaluator: top_k_accuracy"):
        Runner.from_cfg(cfg).test()


def test_other_names_than_in_training(trained, demo_data, tmp_path):
    folder, _ = trained
    (tmp_path / "other.txt").write_text("cool\nfalling\ndown\n")
    cfg = config(demo_data, tmp_path)
    cfg.test_dataloader.dataset.metainfo.classes = str(tmp_path / "other.txt")
    cfg.load_from = str(folder / "epoch_1.pth")
    Runner.from_cfg(cfg).test()
    (log,) = tmp_path.rglob("*.log")
    assert "was trained with label 1 as 'down'" in log.read_text()


def test_the_best_by_a_top_k_that_is_not_measured(demo_data, tmp_path):
    cfg = config(demo_data, tmp_path, several=False, **{BEST: "acc/top5"})
    for split in ("train", "val", "test"):
        cfg[f"{split}_dataloader"].dataset.update(
            multi_class=False, num_classes=8, ann_file=str(demo_data / f"{split}.txt"),
            metainfo=dict(classes=str(demo_data / "classes.txt")),
        )  # fmt: skip
    cfg.model.cls_head.num_classes = 8
    cfg.val_evaluator = dict(
        type="GatheredAccMetric",
        metric_options=dict(top_k_accuracy=dict(topk=(1, 8))),
    )
    with pytest.raises(ValueError, match=r"save_best is 'acc/top5'.*\['acc/top1', "):
        Runner.from_cfg(cfg).train()


def test_mmaction2s_own_heads():
    """They know no sigmoid: 'prob' lets the classes compete."""
    from mmaction.registry import MODELS

    from mmstconv.engine.label_agreement import _check_average

    stock = dict(type="I3DHead", num_classes=3, in_channels=4,
                 loss_cls=dict(type="BCELossWithLogits"))  # fmt: skip
    with pytest.raises(ValueError, match="take average_clips='score'"):
        _check_average(MODELS.build(dict(stock, average_clips="prob")), True)
    _check_average(MODELS.build(dict(stock, average_clips="score")), True)


def test_visualised_clips_show_the_right_classes(tmp_path):
    """A many-hot label is no list of class numbers."""
    from mmaction.structures import ActionDataSample
    from mmaction.visualization import ActionVisualizer

    from mmstconv.engine.hooks import ClipVisualizationHook

    name = "several"
    drawn = ActionVisualizer.get_instance(
        name, vis_backends=[dict(type="LocalVisBackend")], save_dir=str(tmp_path)
    )
    drawn.dataset_meta = dict(classes=NAMES)
    hook = ClipVisualizationHook(enable=True, interval=1, out_dir=str(tmp_path / "out"))
    hook._visualizer = drawn
    for label in ([1.0, 0.0, 1.0], [0.0, 0.0, 0.0]):
        sample = ActionDataSample(metainfo=dict(filename="a.mp4", multi_class=True))
        sample.set_gt_label(torch.tensor(label))
        clip = torch.zeros(1, 3, 2, 32, 32, dtype=torch.uint8)
        hook._draw_samples(0, dict(inputs=dict(rgb=[clip])), [sample])
        assert sample.gt_label.tolist() == label
