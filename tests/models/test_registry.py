"""Every class registered from ``mmstconv.models`` builds, runs and learns."""

from __future__ import annotations

import torch
from helpers_culprits import for_each
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmcv.cnn import ConvModule
from mmengine.model import BaseDataPreprocessor, BaseModule
from torch import nn

from mmstconv.models import Features, Fused, Joint, MultiModalBlending

BN = dict(type="BN3d")
POOL = dict(mode="max", size=2)
SEQUENCES = dict(
    rgb=torch.randn(1, 4, 6, requires_grad=True),
    audio=torch.randn(1, 4, 3, requires_grad=True),
)
VIDEO = torch.randn(1, 3, 4, 8, 8)
FEATURES = dict(rgb=6, audio=3)
FRAMES = dict(
    streams=dict(rgb=dict(backbone=dict(type="STConvNet", stages=[dict(channels=4)]))),
    translator=dict(type="ConvMixerTranslator", channels=8, blocks=1),
    seen=4,
    future=2,
)
HERE = dict(rgb=torch.tensor([True]))
# Arguments and one input of each class.
CASES = {
    "STConvNet": (dict(stages=[dict(channels=4, temporal_pool=POOL)]), (VIDEO,)),
    "AudioConvNet": (
        dict(in_channels=6, stages=[dict(channels=4, pool=POOL)]),
        (torch.randn(1, 6, 8),),
    ),
    "ConvBlock": (
        dict(in_channels=3, channels=4, norm_cfg=dict(type="BN3d")),
        (VIDEO,),
    ),
    "Conv3dSame": (dict(in_channels=3, out_channels=4, kernel_size=3), (VIDEO,)),
    "FullWindowConv3d": (
        dict(in_channels=3, out_channels=4, kernel_size=(1, 8, 8)),
        (VIDEO,),
    ),
    "FoldedConv3d": (dict(in_channels=3, out_channels=4, kernel_size=1), (VIDEO,)),
    "SeparableConv3d": (dict(in_channels=3, out_channels=4, kernel_size=3), (VIDEO,)),
    "ResidualBlock": (dict(in_channels=3, channels=4), (VIDEO,)),
    "BottleneckBlock": (dict(in_channels=3, channels=4), (VIDEO,)),
    "InceptionBlock": (dict(in_channels=3, channels=(1, 2, 1, 2, 1, 1)), (VIDEO,)),
    "InvertedResidualBlock": (dict(in_channels=3, channels=4), (VIDEO,)),
    "LinearBottleneckBlock": (dict(in_channels=3, channels=4), (VIDEO,)),
    "WaveResidualBlock": (
        dict(in_channels=3, channels=4, ndim=1, stride=4),
        (torch.randn(1, 3, 32),),
    ),
    "MelConvNet": (
        dict(n_mels=8, norm_bands=True, stages=[dict(channels=4, pool=POOL)]),
        (torch.randn(1, 8, 6),),
    ),
    "TVL1Flow": (dict(), (VIDEO,)),
    "TriModalDataPreprocessor": (
        dict(preprocessors=dict(rgb=dict(type="ActionDataPreprocessor"))),
        (dict(inputs=dict(rgb=[VIDEO]), data_samples=[]),),
    ),
    "MultiModalBlending": (
        dict(num_classes=3, mixup_alpha=1.0),
        (dict(rgb=VIDEO[None]), [ActionDataSample().set_gt_label(0)]),
    ),
    "LSTMTemporalNeck": (dict(in_channels=3, hidden_channels=4), (VIDEO,)),
    "PoolNeck": (dict(in_channels=3), (VIDEO,)),
    "LastState": (dict(in_channels=6), (SEQUENCES["rgb"],)),
    "MeanOverTime": (dict(in_channels=6), (SEQUENCES["rgb"],)),
    "AttentionOverTime": (dict(in_channels=6), (SEQUENCES["rgb"],)),
    "ConcatFusion": (dict(in_channels=dict(rgb=6, audio=3)), (SEQUENCES,)),
    "SumFusion": (dict(in_channels=FEATURES, channels=4), (SEQUENCES,)),
    "MaxFusion": (dict(in_channels=FEATURES, channels=4), (SEQUENCES,)),
    "ConvFusion": (dict(in_channels=FEATURES, channels=4), (SEQUENCES,)),
    "CompactBilinearFusion": (dict(in_channels=FEATURES, channels=16), (SEQUENCES,)),
    "LateFusion": (dict(in_channels=FEATURES, num_classes=3), (SEQUENCES,)),
    "ClassWeightedFusion": (dict(in_channels=FEATURES, num_classes=3), (SEQUENCES,)),
    "ContextGatingFusion": (dict(in_channels=FEATURES), (SEQUENCES,)),
    "GatedMultimodalUnit": (dict(in_channels=FEATURES, channels=4), (SEQUENCES,)),
    "LowRankTensorFusion": (dict(in_channels=FEATURES, channels=4), (SEQUENCES,)),
    "CrossModalAttentionFusion": (
        dict(in_channels=FEATURES, channels=4, num_heads=2),
        (SEQUENCES,),
    ),
    "Conv3dFusion": (
        dict(
            in_channels=dict(rgb=3, audio=6),
            trunk=dict(type="STConvNet", stages=[dict(channels=4)]),
        ),
        (dict(rgb=VIDEO, audio=torch.randn(1, 6, 8)),),
    ),
    "ConvStream": (
        dict(backbone=dict(type="STConvNet", stages=[dict(channels=4)])),
        (VIDEO,),
    ),
    "Joint": (dict(in_channels=FEATURES), (Features(SEQUENCES, {}),)),
    "TriModalFusionHead": (
        dict(num_classes=3, in_channels=256, stream_channels=FEATURES),
        (Joint(FEATURES)(Features(SEQUENCES, {})),),
    ),
    "TemporalEventHead": (
        dict(num_classes=3, in_channels=9, channels=8, levels=2),
        (Joint(FEATURES, fusion=dict(type="ConcatFusion"))(Features(SEQUENCES, {})),),
    ),
    "TemporalSpottingHead": (
        dict(num_classes=3, in_channels=9, channels=8),
        (Joint(FEATURES, fusion=dict(type="ConcatFusion"))(Features(SEQUENCES, {})),),
    ),
    "SummaryHead": (dict(in_channels=256), (Joint(FEATURES)(Features(SEQUENCES, {})),)),
    "UnsupervisedSummaryHead": (
        dict(in_channels=256),
        (Joint(FEATURES)(Features(SEQUENCES, {})),),
    ),
    "TrainingFreeSummaryHead": (
        dict(in_channels=256),
        (Joint(FEATURES)(Features(SEQUENCES, {})),),
    ),
    "LSTMCaptionHead": (
        dict(in_channels=256, words=["up"], vocabulary_size=4, dropout_ratio=0.0),
        (Joint(FEATURES)(Features(SEQUENCES, {})),),
    ),
    "MultiTaskHead": (
        dict(
            heads=dict(
                summary=dict(type="SummaryHead"),
                events=dict(type="TemporalEventHead", num_classes=3),
            ),
            in_channels=256,
            stream_channels=FEATURES,
        ),
        (Joint(FEATURES)(Features(SEQUENCES, {})),),
    ),
    "TriModalRecognizer": (
        dict(
            streams=dict(
                rgb=dict(backbone=dict(type="STConvNet", stages=[dict(channels=4)]))
            ),
            cls_head=dict(type="TriModalFusionHead", num_classes=3),
        ),
        (dict(rgb=VIDEO[None]),),
    ),
    "ConvMixerTranslator": (
        dict(in_channels=3, out_channels=2, seen=4, future=2, channels=8, blocks=1),
        (VIDEO.transpose(1, 2), {}),
    ),
    "ConvLSTMTranslator": (
        dict(in_channels=3, out_channels=2, seen=4, future=2, hidden=(4, 4)),
        (VIDEO.transpose(1, 2), {}),
    ),
    "TrunkFrameNetwork": (FRAMES, (dict(rgb=VIDEO), HERE)),
    "SimVPNetwork": (
        dict(seen=4, spatial_channels=4, hidden_channels=8, blocks=2),
        (dict(rgb=VIDEO), HERE),
    ),
    "ConvLSTMNetwork": (
        dict(seen=4, future=2, hidden=(4, 4)),
        (dict(rgb=VIDEO), HERE),
    ),
    "FramePredictor": (
        dict(network=dict(type="TrunkFrameNetwork", **FRAMES)),
        (dict(rgb=VIDEO[None]),),
    ),
    **{
        name: (dict(), (torch.rand(1, 3, 2, 12, 12), torch.rand(1, 3, 2, 12, 12)))
        for name in (
            "FrameMSELoss",
            "FrameL1Loss",
            "FrameSSIMLoss",
            "GradientDifferenceLoss",
        )
    },
}
# Needs transformers: tests/models/heads/test_prefix_caption_head.py.
APART = {"PrefixCaptionHead"}
REGISTERED = sorted(
    name
    for name, cls in MODELS.module_dict.items()
    if cls.__module__.startswith("mmstconv.models") and name not in APART
)


def flat(out):
    """A tensor, or a named tuple of them, as one ``(N, ...)``."""
    parts = out if hasattr(out, "_fields") else [out]
    return torch.cat([one.flatten(1) for one in parts if one is not None], 1)


@for_each("name", REGISTERED)
def test_builds_runs_and_learns(name):
    assert name in CASES, f"add a case for {name}"
    kwargs, inputs = CASES[name]
    module = MODELS.build(dict(type=name, **kwargs))
    # the units of convolution are MMCV's and torch's own
    known = (
        BaseModule,
        BaseDataPreprocessor,
        ConvModule,
        nn.Conv3d,
        MultiModalBlending,
    )
    assert isinstance(module, known)
    assert type(module).__doc__
    assert module.train() is module
    if isinstance(module, BaseModule):
        module.init_weights()
    out = module(*inputs)
    if isinstance(out, dict) and not {"inputs", "rgb"} & set(out):  # of several heads
        out = torch.cat([flat(one) for one in out.values()], 1)
    if hasattr(out, "_fields"):
        out = flat(out)
    out = out[0] if isinstance(out, tuple) else out
    out = out.get("inputs", out)["rgb"] if isinstance(out, dict) else out
    out = out.vector if isinstance(out, Fused) else out
    assert out.dim() == 0 or out.shape[0] == 1  # a loss is a number
    if list(module.parameters()):
        out.square().sum().backward()
    for parameter_name, parameter in module.named_parameters():
        assert parameter.grad is not None, parameter_name


def test_every_case_is_registered():
    assert REGISTERED == sorted(CASES)
