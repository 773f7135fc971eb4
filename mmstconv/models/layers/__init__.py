"""Blocks of networks, and what several parts of a model need."""

from .align_steps import StepGrid, align_edges, align_steps, edges_of, stretch_steps
from .axes import expand, same_padding
from .class_of import class_of
from .conv_block import ConvBlock
from .feature_gate import FeatureGate
from .folded_conv import FoldedConv3d
from .full_window_conv import FullWindowConv3d
from .inception_block import InceptionBlock
from .inverted_residual_block import InvertedResidualBlock
from .lengths import check_lengths, length_mask
from .linear_bottleneck_block import LinearBottleneckBlock
from .norm_eval import freeze_norm_statistics
from .pool_space import pool_space
from .pooling import Pool
from .precision import at_least_float32
from .prefix import StepPrefix
from .recomputing import run_recomputed
from .residual_block import BottleneckBlock, PadShortcut, ResidualBlock
from .rotary_attention import RotaryAttention
from .separable_conv import Conv3dSame, SeparableConv3d
from .soft_nms_1d import soft_nms_1d
from .st_pool import SpatioTemporalPool, read_pool
from .step_conv import StepConv
from .temporal_reduction import (
    AttentionOverTime,
    LastState,
    MeanOverTime,
    TemporalReduction,
)
from .to_device import to_device
from .tvl1_flow import TVL1Flow
from .unpadded_time import window_of
from .wave_residual_block import WaveResidualBlock

__all__ = [
    "AttentionOverTime",
    "BottleneckBlock",
    "Conv3dSame",
    "ConvBlock",
    "FeatureGate",
    "FoldedConv3d",
    "FullWindowConv3d",
    "InceptionBlock",
    "InvertedResidualBlock",
    "LastState",
    "LinearBottleneckBlock",
    "MeanOverTime",
    "PadShortcut",
    "Pool",
    "ResidualBlock",
    "RotaryAttention",
    "SeparableConv3d",
    "SpatioTemporalPool",
    "StepConv",
    "StepGrid",
    "StepPrefix",
    "TVL1Flow",
    "TemporalReduction",
    "WaveResidualBlock",
    "align_edges",
    "align_steps",
    "at_least_float32",
    "check_lengths",
    "class_of",
    "edges_of",
    "expand",
    "freeze_norm_statistics",
    "length_mask",
    "pool_space",
    "read_pool",
    "run_recomputed",
    "same_padding",
    "soft_nms_1d",
    "stretch_steps",
    "to_device",
    "window_of",
]
