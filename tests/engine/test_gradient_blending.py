"""Blending weights against hand calculation, and a run that is interrupted."""

from __future__ import annotations

import json
import math

import pytest
import torch
from engine.joint_run import NAMES, Clips, Record, joint_runner, loader
from mmengine.evaluator import BaseMetric, Evaluator

from mmstconv.engine import GradientBlendingHook
from mmstconv.engine.hooks.gradient_blending_hook import blend

BRANCHES = ("fused", *NAMES)
AUX = dict(aux_loss_weight=dict(rgb=0.2, flow=0.3, audio=0.5), loss_weight=0.7)


def losses(epoch=0, **pairs):
    """Of each branch: (training loss, validation loss)."""
    return dict(
        epoch=epoch,
        train={name: pair[0] for name, pair in pairs.items()},
        val={name: pair[1] for name, pair in pairs.items()},
    )


def test_weights_by_hand():
    """
    =====  ======  ====  =============  ======
    k      G       O     G / O^2        weight
    =====  ======  ====  =============  ======
    fused  0.5     0.5   2              2 / 7
    rgb    0.2     0.2   5              5 / 7
    =====  ======  ====  =============  ======
    """
    first = losses(fused=(2.0, 2.0), rgb=(2.0, 2.1))
    last = losses(fused=(1.0, 1.5), rgb=(1.6, 1.9))
    weights = blend(first, last, 0.01)
    assert weights == pytest.approx(dict(fused=2 / 7, rgb=5 / 7))


def test_a_gap_that_shrinks_counts_by_its_size():
    """O enters squared: -0.5 is as 0.5."""
    first = losses(a=(1.0, 2.0), b=(2.0, 2.0))
    last = losses(a=(1.0, 1.5), b=(1.0, 1.5))
    assert blend(first, last, 0.01) == pytest.approx(dict(a=0.5, b=0.5))


def test_a_branch_that_got_worse_keeps_a_little():
    first = losses(a=(2.0, 2.0), b=(2.0, 2.0))
    last = losses(a=(1.0, 1.5), b=(0.9, 2.4))  # G -0.4 as 0.005, O 1.5
    share_a, share_b = 0.5 / 0.5**2, 0.01 * 0.5 / 1.5**2
    weights = blend(first, last, 0.01)
    assert weights["b"] == pytest.approx(share_b / (share_a + share_b))
    assert 0 < weights["b"] < 0.01


def test_no_overfitting_does_not_take_all():
    first = losses(a=(2.0, 2.0), b=(2.0, 2.0))
    last = losses(a=(1.5, 1.5), b=(1.0, 1.5))  # O^2: 0 as 0.1 * 0.25, and 0.25
    assert blend(first, last, 0.1) == pytest.approx(dict(a=10 / 11, b=1 / 11))


def test_nobody_overfits():
    first = losses(a=(2.0, 2.0), b=(2.0, 2.0))
    last = losses(a=(1.5, 1.5), b=(1.0, 1.0))
    assert blend(first, last, 0.1) == pytest.approx(dict(a=1 / 3, b=2 / 3))


@pytest.mark.parametrize(
    "last",
    [
        losses(a=(1.0, 2.1), b=(1.0, 2.0)),
        losses(a=(1.0, math.nan), b=(1.0, 1.0)),
        losses(a=(math.inf, 1.0), b=(1.0, 1.0)),
    ],
)
def test_no_estimate(last):
    assert blend(losses(a=(2.0, 2.0), b=(2.0, 2.0)), last, 0.1) is None


def test_a_loss_that_was_never_seen_gives_no_estimate():
    first = losses(a=(2.0, 2.0), b=(2.0, 2.0))
    del first["train"]["b"]
    assert blend(first, losses(a=(1.0, 1.0), b=(1.0, 1.0)), 0.1) is None


class GivenLosses(BaseMetric):
    """Validation losses as agreed with ModalityMetric, given by epoch."""

    def __init__(self, rows):
        super().__init__()
        self.rows = rows
        self.epoch = 0

    def process(self, data_batch, data_samples):
        self.results.append(len(data_samples))

    def compute_metrics(self, results):
        row = self.rows[self.epoch]
        self.epoch += 1
        values = {f"nll/stream_{name}": row[name] for name in NAMES}
        return {"nll/fused": row["fused"], **values}


ROWS = [
    dict(fused=2.0, rgb=2.0, flow=2.0, audio=2.0),
    dict(fused=1.5, rgb=1.9, flow=2.1, audio=1.2),
    dict(fused=1.2, rgb=1.8, flow=2.0, audio=1.0),
    dict(fused=1.1, rgb=1.7, flow=1.8, audio=0.9),
]


def blending_runner(folder, *, epochs=4, start=0, data=None, record=None, **options):
    extra = {k: options.pop(k) for k in ("resume", "load_from") if k in options}
    metric = GivenLosses(ROWS[start:])
    hook = dict(dict(type="GradientBlendingHook"), **options)
    return joint_runner(
        folder,
        [record or Record(), hook],
        data=data,
        batch_size=4,
        epochs=epochs,
        head=AUX,
        optim_wrapper=dict(optimizer=dict(type="SGD", lr=0.01)),
        val_dataloader=loader(Clips(4)),
        val_cfg=dict(),
        val_evaluator=Evaluator(metric),
        checkpoint=dict(type="CheckpointHook", interval=1),
        **extra,
    )


def expected_weights(record, epochs, floor=0.01):
    """From the recorded losses and ROWS, branch by branch."""
    rows = []
    for epoch in epochs:
        sums = dict.fromkeys(BRANCHES, 0.0)
        count = 0
        for row, weights in record.seen:
            if row["epoch"] == epoch:
                size = 4 if count % 6 == 0 else 2  # 6 clips in batches of 4
                for name in BRANCHES:
                    sums[name] += size * row[name] / weights[name]
                count += size
        train = {name: value / count for name, value in sums.items()}
        rows.append((train, ROWS[epoch]))
    (train_n, val_n), (train_m, val_m) = rows
    g = {b: val_n[b] - val_m[b] for b in BRANCHES}
    o2 = {b: ((val_m[b] - train_m[b]) - (val_n[b] - train_n[b])) ** 2 for b in BRANCHES}
    raw = {
        b: max(g[b], floor * max(g.values())) / max(o2[b], floor * max(o2.values()))
        for b in BRANCHES
    }
    return {b: raw[b] / sum(raw.values()) for b in BRANCHES}


def weights_of(runner):
    head = runner.model.cls_head
    return dict(fused=head.loss_weight, **head.aux_loss_weight)


def test_online_weights_are_set_after_each_validation(tmp_path):
    record = Record()
    runner = blending_runner(tmp_path, record=record)
    runner.train()
    assert weights_of(runner) == pytest.approx(expected_weights(record, (2, 3)))
    assert sum(weights_of(runner).values()) == pytest.approx(1)
    used = {row["epoch"]: weights for row, weights in record.seen}
    assert used[0] == used[1] == dict(fused=0.7, **AUX["aux_loss_weight"])
    assert used[2] == pytest.approx(expected_weights(record, (0, 1)))
    assert used[3] == pytest.approx(expected_weights(record, (1, 2)))
    log = runner.message_hub.get_scalar("train/blend_audio").current()
    assert log == pytest.approx(weights_of(runner)["audio"])


def test_every_other_validation(tmp_path):
    record = Record()
    runner = blending_runner(tmp_path, record=record, interval=2)
    runner.train()
    used = {row["epoch"]: weights for row, weights in record.seen}
    assert used[2] == used[0]
    assert used[3] == pytest.approx(expected_weights(record, (0, 2)))
    assert weights_of(runner) == used[3]


def test_offline_only_writes_an_estimate_over_the_whole_run(tmp_path):
    record = Record()
    runner = blending_runner(tmp_path, record=record, apply=False)
    runner.train()
    assert weights_of(runner) == dict(fused=0.7, **AUX["aux_loss_weight"])
    written = json.loads((tmp_path / "gradient_blending.json").read_text())
    expected = expected_weights(record, (0, 3))
    assert written["weights"] == pytest.approx(expected)
    assert [one["epoch"] for one in written["history"]] == [1, 2, 3, 4]
    # what stands under cls_head goes into a config as it is
    runner = joint_runner(tmp_path / "next", [], head=written["cls_head"])
    assert weights_of(runner) == pytest.approx(expected)


def test_resuming_goes_on_with_weights_and_history(tmp_path):
    """The interruption follows a checkpoint, so it costs one validation (MMEngine)."""
    first = Record()
    blending_runner(tmp_path / "a", epochs=3, record=first).train()
    path = tmp_path / "a" / "epoch_3.pth"
    state = torch.load(path, weights_only=True)[GradientBlendingHook.STATE]
    assert len(state["history"]) == 2  # written before the third validation
    assert state["weights"] == pytest.approx(expected_weights(first, (0, 1)))

    second = Record()
    options = dict(record=second, resume=True, load_from=str(path))
    runner = blending_runner(tmp_path / "b", start=3, **options)
    runner.train()
    assert second.seen[0][1] == pytest.approx(state["weights"])
    written = json.loads((tmp_path / "b" / "gradient_blending.json").read_text())
    assert [one["epoch"] for one in written["history"]] == [1, 2, 4]
    assert written["history"][:2] == state["history"]
    # training losses since the last validation that took place: epochs 3 and 4
    rows = [(r, w) for r, w in first.seen if r["epoch"] == 2] + second.seen
    sizes = [4, 2, 4, 2]
    assert len(rows) == len(sizes)
    for name in BRANCHES:
        mean = sum(n * r[name] / w[name] for n, (r, w) in zip(sizes, rows)) / 12
        assert written["history"][2]["train"][name] == pytest.approx(mean)


def test_with_the_metric_itself(tmp_path):
    runner = joint_runner(
        tmp_path,
        [dict(type="GradientBlendingHook")],
        epochs=2,
        head=dict(AUX, score_subsets=True),
        val_dataloader=loader(Clips(4, first=6)),
        val_cfg=dict(),
        val_evaluator=dict(type="ModalityMetric"),
    )
    runner.train()
    written = json.loads((tmp_path / "gradient_blending.json").read_text())
    for branch in BRANCHES:
        key = branch if branch == "fused" else f"stream_{branch}"
        log, _ = runner.message_hub.get_scalar(f"val/modality/nll/{key}").data
        assert [one["val"][branch] for one in written["history"]] == log.tolist()


def test_another_run_does_not_inherit_the_weights(tmp_path):
    blending_runner(tmp_path / "a", epochs=3).train()
    path = tmp_path / "a" / "epoch_3.pth"
    runner = blending_runner(tmp_path / "b", epochs=1, load_from=str(path))
    runner.train()
    assert weights_of(runner) == dict(fused=0.7, **AUX["aux_loss_weight"])


def test_means_are_over_the_samples_that_have_the_modality(tmp_path):
    here = [{}, dict(audio=False), {}, {}, dict(audio=False), dict(audio=False)]
    record = Record()
    data = Clips(presence=here)
    runner = blending_runner(tmp_path, epochs=2, record=record, data=data)
    runner.train()
    written = json.loads((tmp_path / "gradient_blending.json").read_text())
    (row, weights), (_, _) = record.seen[:2]
    # the second batch has no sound: its zero is no loss
    expected = row["audio"] / weights["audio"]
    assert written["history"][0]["train"]["audio"] == pytest.approx(expected)


def test_a_modality_that_dropout_takes_from_a_whole_batch(tmp_path):
    record = Record()
    runner = blending_runner(tmp_path, epochs=1, record=record)
    runner.model.modality_dropout = dict(flow=1.0)
    runner.train()
    written = json.loads((tmp_path / "gradient_blending.json").read_text())
    assert "flow" not in written["history"][0]["train"]
    assert set(written["history"][0]["train"]) == {"fused", "rgb", "audio"}


def test_no_auxiliary_losses(tmp_path):
    runner = joint_runner(tmp_path, [dict(type="GradientBlendingHook")])
    with pytest.raises(ValueError, match="aux_loss_weight"):
        runner.train()


def test_no_validation(tmp_path):
    runner = joint_runner(tmp_path, [dict(type="GradientBlendingHook")], head=AUX)
    with pytest.raises(ValueError, match="val_dataloader"):
        runner.train()


def test_validation_without_the_losses(tmp_path):
    runner = blending_runner(tmp_path)
    runner.val_evaluator.metrics[0].compute_metrics = lambda results: {"acc": 1.0}
    with pytest.raises(ValueError, match=r"nll/fused.*ModalityMetric"):
        runner.train()


def test_an_interval_out_of_range():
    with pytest.raises(ValueError, match="interval must be at least 1, got 0"):
        GradientBlendingHook(interval=0)
