from __future__ import annotations

import pytest
import torch
from helpers_culprits import for_each
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.registry import DefaultScope

from mmstconv.models import ConvStream

LSTM = dict(type="LSTMTemporalNeck", hidden_channels=6)
MMACTION2 = {
    "ResNet3d": (
        dict(
            type="ResNet3d",
            depth=18,
            pretrained=None,
            pretrained2d=False,
            base_channels=8,
            norm_eval=False,
        ),
        64,
    ),
    "ResNet2Plus1d": (
        dict(
            type="ResNet2Plus1d",
            depth=18,
            conv_cfg=dict(type="Conv2plus1d"),
            inflate=(1, 1, 1, 1),
            conv1_kernel=(3, 7, 7),
            pretrained=None,
            pretrained2d=False,
            base_channels=8,
            norm_eval=False,
        ),
        64,
    ),
    "X3D": (dict(type="X3D", gamma_w=1, gamma_b=2.25, gamma_d=1, norm_eval=False), 432),
}


@for_each("batch", [1, 2])
@for_each("neck", [None, dict(LSTM, in_channels=5)])
def test_own_parts(batch, neck):
    stream = ConvStream(dict(type="STConvNet", stages=[dict(channels=5)]), neck)
    feat, loss_aux = stream(torch.rand(batch, 3, 4, 8, 8))
    assert feat.shape == (batch, 4, 5 if neck is None else 6)
    assert loss_aux == {}


@pytest.mark.parametrize("name", MMACTION2)
def test_backbones_of_mmaction2(name):
    backbone, channels = MMACTION2[name]
    with DefaultScope.overwrite_default_scope("mmaction"):
        stream = ConvStream(backbone, dict(LSTM, in_channels=channels))
    stream.init_weights()
    feat, _ = stream(torch.rand(2, 3, 4, 32, 32))
    assert feat.shape[0] == 2
    assert feat.shape[2] == 6
    feat.square().sum().backward()
    for parameter_name, parameter in stream.named_parameters():
        assert parameter.grad is not None, parameter_name


def test_neck_of_mmaction2_with_a_loss_of_its_own():
    """TPN reads two levels and has a classifier; both see present samples only."""
    shape = dict(in_channels=(32, 64), out_channels=64)
    neck = dict(
        type="TPN",
        **shape,
        spatial_modulation_cfg=shape,
        temporal_modulation_cfg=dict(downsample_scales=(2, 2)),
        upsample_cfg=dict(scale_factor=(1, 1, 1)),
        downsample_cfg=dict(downsample_scale=(1, 1, 1)),
        level_fusion_cfg=dict(
            in_channels=(64, 64),
            mid_channels=(64, 64),
            out_channels=64,
            downsample_scales=((1, 1, 1), (1, 1, 1)),
        ),
        aux_head_cfg=dict(out_channels=4, loss_weight=0.5),
    )
    backbone = dict(MMACTION2["ResNet3d"][0], out_indices=(2, 3))
    head = dict(type="TriModalFusionHead", num_classes=4)
    model = MODELS.build(
        dict(
            type="TriModalRecognizer",
            streams=dict(rgb=dict(backbone=backbone, neck=neck)),
            joint=dict(in_channels=dict(rgb=2048)),
            cls_head=head,
        )
    )
    data_samples = [
        ActionDataSample(metainfo=dict(presence=dict(rgb=row != 1))).set_gt_label(row)
        for row in range(3)
    ]
    inputs = dict(rgb=torch.randn(3, 1, 3, 16, 32, 32))
    losses = model(inputs, data_samples, mode="loss")
    assert set(losses) == {"loss_cls", "top1_acc", "loss_aux_rgb"}
    (sample, *_) = model.eval()(inputs, data_samples, mode="predict")
    assert sample.pred_score.shape == (4,)
