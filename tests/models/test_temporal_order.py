"""Two sounds with the same mean over time: only the LSTM can tell them apart."""

from __future__ import annotations

import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

BANDS, STEPS = 12, 16


def glides(samples):
    """A ridge that rises (class 0) or falls (class 1) through the bands."""
    labels = torch.arange(samples) % 2
    start = torch.rand(samples, 1, 1) * 3
    path = start + torch.linspace(0, BANDS - 4, STEPS)  # (N, 1, T)
    bands = torch.arange(BANDS)[:, None]
    sound = torch.exp(-((bands - path) ** 2))  # (N, bands, T)
    sound[labels == 1] = sound[labels == 1].flip(-1)
    data_samples = [ActionDataSample().set_gt_label(int(label)) for label in labels]
    return dict(audio=sound[:, None]), data_samples, labels


@pytest.mark.parametrize(
    ("neck", "reduction", "learns"),
    [
        (dict(type="LSTMTemporalNeck", hidden_channels=16), "LastState", True),
        (dict(type="PoolNeck"), "MeanOverTime", False),
    ],
)
def test_order_needs_the_lstm(neck, reduction, learns):
    backbone = dict(
        type="AudioConvNet",
        in_channels=BANDS,
        stages=[dict(channels=16, kernel_size=1)],
    )
    model = MODELS.build(
        dict(
            type="TriModalRecognizer",
            streams=dict(
                audio=dict(backbone=backbone, neck=dict(neck, in_channels=16))
            ),
            joint=dict(temporal=dict(type=reduction)),
            cls_head=dict(
                type="TriModalFusionHead",
                num_classes=2,
            ),
        )
    )
    model.init_weights()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(60):
        inputs, data_samples, _ = glides(32)
        optimizer.zero_grad()
        model(inputs, data_samples, mode="loss")["loss_cls"].backward()
        optimizer.step()
    inputs, _, labels = glides(200)
    with torch.no_grad():
        accuracy = (model.eval()(inputs).argmax(1) == labels).float().mean()
    assert (accuracy > 0.97) if learns else (0.35 < accuracy < 0.65)
