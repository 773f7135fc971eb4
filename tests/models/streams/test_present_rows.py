from __future__ import annotations

import pytest
import torch
from mmaction.registry import MODELS
from torch import nn

from mmstconv.models.streams import run_present_rows

LSTM = dict(type="LSTMTemporalNeck", hidden_channels=6)
NOBODY = torch.zeros(2, dtype=torch.bool)


def build_audio(norm="BN1d"):
    stages = [dict(channels=5)]
    backbone = dict(
        type="AudioConvNet", in_channels=3, stages=stages, norm_cfg=dict(type=norm)
    )
    return MODELS.build(
        dict(type="ConvStream", backbone=backbone, neck=dict(LSTM, in_channels=5))
    )


@pytest.mark.parametrize("present", [(1, 0, 1), (0, 0, 1), (1, 1, 1)])
def test_absent_rows_are_zero_and_not_run(present):
    stream, x = build_audio(), torch.randn(3, 3, 8)
    rows = [row for row, here in enumerate(present) if here]
    x[[row for row in range(3) if row not in rows]] = float("nan")
    feat, _ = run_present_rows(stream, x, torch.tensor(present).bool(), 6)
    alone, _ = build_like(stream)(x[rows])
    assert feat.shape == (3, 8, 6)
    assert torch.equal(feat[rows], alone)
    for row in set(range(3)) - set(rows):
        assert torch.equal(feat[row], torch.zeros(8, 6))
    assert torch.isfinite(stream.backbone.stages[0].blocks[0].bn.running_mean).all()


def build_like(stream):
    copy = build_audio()
    copy.load_state_dict(stream.state_dict())
    for module in copy.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.reset_running_stats()
    return copy


def test_idle_stream_touches_parameters_and_keeps_statistics():
    stream = build_audio()
    before = {name: value.clone() for name, value in stream.named_buffers()}
    x = torch.full((2, 3, 8), 1e6)
    feat, _ = run_present_rows(stream, x, NOBODY, 6)
    assert torch.equal(feat, torch.zeros(2, 1, 6))
    feat.sum().backward()
    for name, parameter in stream.named_parameters():
        assert torch.equal(parameter.grad, torch.zeros_like(parameter)), name
    for name, value in stream.named_buffers():
        assert torch.equal(value, before[name]), name


def test_idle_stream_joins_synchronised_norms(monkeypatch):
    """On a rank without the modality, the norms must still meet those elsewhere."""
    calls = []

    def forward(self, x):
        calls.append(tuple(x.shape))
        return x * self.weight[:, None]

    monkeypatch.setattr(nn.SyncBatchNorm, "forward", forward)
    stream = nn.SyncBatchNorm.convert_sync_batchnorm(build_audio())
    feat, _ = run_present_rows(stream, torch.rand(2, 3, 8), NOBODY, 6)
    assert calls == [(0, 5, 8)]
    feat.sum().backward()
    for name, parameter in stream.named_parameters():
        if not name.endswith("bn.bias"):  # the stand-in above has no bias
            assert torch.equal(parameter.grad, torch.zeros_like(parameter)), name
    stream.eval()
    run_present_rows(stream, torch.rand(2, 3, 8), NOBODY, 6)
    assert len(calls) == 1


def test_data_samples_follow_their_rows():
    class Stream(nn.Module):
        def forward(self, x, data_samples):
            self.seen = data_samples
            return x[:, None], {}

    stream = Stream()
    here = torch.tensor([True, False, True])
    run_present_rows(stream, torch.rand(3, 2), here, 2, ["a", "b", "c"])
    assert stream.seen == ["a", "c"]
