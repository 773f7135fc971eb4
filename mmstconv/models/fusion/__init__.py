"""Operators that make one feature of several modalities, one a file."""

from .attention import CrossModalAttentionFusion
from .base import FusionOperator
from .bilinear import CompactBilinearFusion
from .class_weights import ClassWeightedFusion
from .concat import ConcatFusion
from .context_gating import ContextGatingFusion
from .conv import ConvFusion
from .gmu import GatedMultimodalUnit
from .late import LateFusion
from .low_rank import LowRankTensorFusion
from .max import MaxFusion
from .sum import SumFusion
from .volume import Conv3dFusion

__all__ = [
    "ClassWeightedFusion",
    "CompactBilinearFusion",
    "ConcatFusion",
    "ContextGatingFusion",
    "Conv3dFusion",
    "ConvFusion",
    "CrossModalAttentionFusion",
    "FusionOperator",
    "GatedMultimodalUnit",
    "LateFusion",
    "LowRankTensorFusion",
    "MaxFusion",
    "SumFusion",
]
