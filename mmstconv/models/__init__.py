"""Everything that has weights, and what is between: streams, joint, heads."""

from .backbones import AudioConvNet, MelConvNet, STConvNet
from .data_preprocessors import MultiModalBlending, TriModalDataPreprocessor
from .fusion import (
    ClassWeightedFusion,
    CompactBilinearFusion,
    ConcatFusion,
    ContextGatingFusion,
    Conv3dFusion,
    ConvFusion,
    CrossModalAttentionFusion,
    FusionOperator,
    GatedMultimodalUnit,
    LateFusion,
    LowRankTensorFusion,
    MaxFusion,
    SumFusion,
)
from .heads import (
    BaseCaptionHead,
    Caption,
    LSTMCaptionHead,
    MultiTaskHead,
    PrefixCaptionHead,
    SummaryHead,
    TemporalEventHead,
    TemporalSpottingHead,
    TrainingFreeSummaryHead,
    TriModalFusionHead,
    UnsupervisedSummaryHead,
)
from .joint import Features, Fused, Joint, Steps
from .layers import (
    AttentionOverTime,
    LastState,
    MeanOverTime,
    SpatioTemporalPool,
    TVL1Flow,
)
from .necks import LSTMTemporalNeck, PoolNeck
from .predictors import FramePredictor
from .recognizers import TriModalRecognizer
from .streams import ConvStream

__all__ = [
    "AttentionOverTime",
    "AudioConvNet",
    "BaseCaptionHead",
    "Caption",
    "ClassWeightedFusion",
    "CompactBilinearFusion",
    "ConcatFusion",
    "ContextGatingFusion",
    "Conv3dFusion",
    "ConvFusion",
    "ConvStream",
    "CrossModalAttentionFusion",
    "Features",
    "FramePredictor",
    "Fused",
    "FusionOperator",
    "GatedMultimodalUnit",
    "Joint",
    "LSTMCaptionHead",
    "LSTMTemporalNeck",
    "LastState",
    "LateFusion",
    "LowRankTensorFusion",
    "MaxFusion",
    "MeanOverTime",
    "MelConvNet",
    "MultiModalBlending",
    "MultiTaskHead",
    "PoolNeck",
    "PrefixCaptionHead",
    "STConvNet",
    "SpatioTemporalPool",
    "Steps",
    "SumFusion",
    "SummaryHead",
    "TVL1Flow",
    "TemporalEventHead",
    "TemporalSpottingHead",
    "TrainingFreeSummaryHead",
    "TriModalDataPreprocessor",
    "TriModalFusionHead",
    "TriModalRecognizer",
    "UnsupervisedSummaryHead",
]
