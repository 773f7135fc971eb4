from .backbones import AudioConvNet, MelConvNet, STConvNet
from .fusion import ConcatFusion
from .heads import TriModalFusionHead
from .layers import AttentionOverTime, LastState, MeanOverTime, SpatioTemporalPool
from .necks import LSTMTemporalNeck, PoolNeck
from .recognizers import TriModalRecognizer
from .streams import ConvStream

__all__ = [
    "AttentionOverTime",
    "AudioConvNet",
    "ConcatFusion",
    "ConvStream",
    "LSTMTemporalNeck",
    "LastState",
    "MeanOverTime",
    "MelConvNet",
    "PoolNeck",
    "STConvNet",
    "SpatioTemporalPool",
    "TriModalFusionHead",
    "TriModalRecognizer",
]
