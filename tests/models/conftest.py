"""Small models and batches for the model tests."""

from __future__ import annotations

import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from models.task import OF_JOINT

import mmstconv  # noqa: F401  (before mmaction: repairs it)

CHANNELS = {"rgb": 3, "flow": 2, "audio": 6}
WIDTHS = {"rgb": 8, "flow": 6, "audio": 4}
NUM_CLASSES = 4


@pytest.fixture(autouse=True)
def _one_thread_one_seed():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


def stream_cfg(name, norm_eval=False):
    if name == "audio":
        backbone = dict(
            type="AudioConvNet",
            in_channels=CHANNELS[name],
            stages=[dict(channels=5, pool=dict(mode="max", size=2))],
            norm_eval=norm_eval,
        )
    else:
        backbone = dict(
            type="STConvNet",
            in_channels=CHANNELS[name],
            stages=[
                dict(
                    channels=5,
                    temporal_pool=dict(mode="max", size=2),
                    spatial_pool=dict(mode="avg", size=2),
                )
            ],
            norm_eval=norm_eval,
        )
    neck = dict(type="LSTMTemporalNeck", in_channels=5, hidden_channels=WIDTHS[name])
    return dict(backbone=backbone, neck=neck)


def model_cfg(names=("rgb", "flow", "audio"), norm_eval=False, **head):
    joint = {key: head.pop(key) for key in OF_JOINT if key in head}
    return dict(
        type="TriModalRecognizer",
        streams={name: stream_cfg(name, norm_eval) for name in names},
        joint=joint,
        cls_head=dict(
            dict(
                type="TriModalFusionHead",
                num_classes=NUM_CLASSES,
                dropout_ratio=0.0,
                init_std=0.5,
            ),
            **head,
        ),
    )


def build_model(*args, **kwargs):
    model = MODELS.build(model_cfg(*args, **kwargs))
    for name, parameter in model.named_parameters():
        if "fc_cls" in name or "aux_cls" in name:
            torch.nn.init.normal_(parameter, std=0.5)
    return model


def build_inputs(samples=3, clips=1, names=("rgb", "flow", "audio")):
    shapes = {"rgb": (3, 4, 8, 8), "flow": (2, 4, 8, 8), "audio": (6, 10)}
    return {name: torch.randn(samples, clips, *shapes[name]) for name in names}


def build_samples(samples=3, presence=None):
    presence = presence or [{}] * samples
    return [
        ActionDataSample(
            metainfo=dict(filename=f"clip_{row}.mp4", presence=dict(presence[row]))
        ).set_gt_label(row % NUM_CLASSES)
        for row in range(samples)
    ]


@pytest.fixture(scope="session")
def make_cfg():
    return model_cfg


@pytest.fixture(scope="session")
def make_model():
    return build_model


@pytest.fixture(scope="session")
def make_inputs():
    return build_inputs


@pytest.fixture(scope="session")
def make_samples():
    return build_samples
