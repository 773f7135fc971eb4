"""A task of one's own: its head is all there is to write."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from conftest import ROOT, data_options, plain_config
from mmaction.registry import MODELS, TRANSFORMS
from mmcv.transforms import BaseTransform
from mmengine.model import BaseModule
from mmengine.runner import Runner
from torch import nn

from mmstconv.apis import export_model, predict_video, score_video

SPANS = 4  # of a clip


@TRANSFORMS.register_module()
class CountLoud(BaseTransform):
    """The truth: in how many quarters of the clip the log-mel is above -12 nats."""

    def transform(self, results):
        level = torch.from_numpy(results["audio"]).mean(dim=(0, 1))  # (frames,)
        spans = F.adaptive_avg_pool1d(level[None], SPANS)[0]
        results["loud"] = float((spans > -12).sum())
        return results


@MODELS.register_module()
class LoudSteps(BaseModule):
    """How many steps are loud: the whole head, loss, prediction and worth."""

    def __init__(self, in_channels, score_subsets=False):
        super().__init__()
        self.fc = nn.Linear(in_channels, 1)
        self.score_subsets = score_subsets

    def forward(self, fused):
        return self.fc(fused.steps)[..., 0]  # (N, T)

    def count(self, fused):
        return self(fused).sigmoid().sum(1)  # (N,)

    def loss(self, fused, data_samples):
        truth = torch.tensor([one.loud for one in data_samples])
        return dict(loss_loud=F.smooth_l1_loss(self.count(fused), truth))

    def predict(self, fused, data_samples):
        for one, count in zip(data_samples, self.count(fused)):
            one.pred_loud = count
        if self.score_subsets:
            counts = {name: self.count(part) for name, part in fused.subsets()}
            for row, one in enumerate(data_samples):
                error = {name: (c[row] - one.loud).abs() for name, c in counts.items()}
                one.subset_worth = {name: 1 / (1 + e) for name, e in error.items()}
                one.set_metainfo(dict(worth_name="loudness"))
        return data_samples


@pytest.fixture(scope="module")
def trained(demo_data, tmp_path_factory):
    name = "configs/recognition/demo/stconvnet_lstm_demo-rgb-flow-audio.py"
    cfg = plain_config(ROOT / name)
    cfg.merge_from_dict({**data_options(demo_data), "train_cfg.max_epochs": 6})
    cfg.model.cls_head = dict(type="LoudSteps", score_subsets=True)
    cfg.model.joint.steps = SPANS
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        *steps, pack, last = loader.dataset.pipeline
        last.update(algorithm_keys=["loud"])
        loader.dataset.pipeline = [*steps, dict(type="CountLoud"), pack, last]
    cfg.val_evaluator = cfg.test_evaluator = dict(type="ModalityMetric")
    cfg.default_hooks.checkpoint.save_best = None
    cfg.train_cfg.val_interval = 6
    cfg.work_dir = str(tmp_path_factory.mktemp("loud"))
    runner = Runner.from_cfg(cfg)
    runner.train()
    model = runner.model.eval()
    model.cfg = cfg
    return runner, model


def test_it_learns(trained):
    losses = trained[0].message_hub.log_scalars["train/loss_loud"].data[0]
    assert len(losses) >= 12
    assert losses[-4:].mean() < 0.7 * losses[:4].mean()


def test_its_seven_subsets(trained):
    scalars = trained[0].message_hub.log_scalars
    worth = {
        key.rpartition("/")[2]: value.current()
        for key, value in scalars.items()
        if key.startswith("val/modality/loudness/")
    }
    names = "none rgb flow audio rgb+flow rgb+audio flow+audio rgb+flow+audio".split()
    assert list(worth) == names
    gains = [scalars[f"val/modality/shapley/{n}"].current() for n in names[1:4]]
    assert sum(gains) == pytest.approx(worth["rgb+flow+audio"] - worth["none"])


def film(demo_data):
    return min((demo_data / "test").glob("*.mp4"), key=lambda path: path.name)


def test_along_a_long_video(trained, demo_data):
    model, path = trained[1], film(demo_data)
    model.cls_head.score_subsets = False
    windows = list(score_video(model, path, hop=4))
    steps = list(score_video(model, path, hop=4, stage="steps"))
    assert len(windows) == len(steps) > 1
    for window, one in zip(windows, steps):
        assert one.steps.fused.shape == (1, SPANS, model.joint.out_channels)
        count = model.cls_head.fc(one.steps.fused).sigmoid().sum()
        torch.testing.assert_close(window.sample.pred_loud, count.detach())
        edges = window.start + (window.end - window.start) * torch.arange(5) / SPANS
        torch.testing.assert_close(one.steps.seconds[0, :, 0].float(), edges[:-1])
        torch.testing.assert_close(one.steps.seconds[0, :, 1].float(), edges[1:])


def test_its_graph(trained, demo_data):
    _, model = trained
    model.cls_head.score_subsets = False
    torch.manual_seed(0)
    inputs = dict(
        rgb=torch.randn(2, 1, 3, 8, 56, 56),
        flow=torch.randn(2, 1, 2, 8, 56, 56),
        audio=torch.randn(2, 1, 64, 51),
    )
    graph = export_model(model, inputs).module()
    presence = {name: torch.tensor([True, name == "rgb"]) for name in inputs}
    with torch.no_grad():
        logits = model(inputs, presence=presence)
    torch.testing.assert_close(graph(inputs, presence), logits)
    assert predict_video(model, film(demo_data)).pred_loud.shape == ()
