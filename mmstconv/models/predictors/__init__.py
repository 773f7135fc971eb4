"""Frames to come from frames seen, with flow and sound beside them."""

from .conv_lstm_network import ConvLSTMNetwork
from .frame_predictor import FramePredictor
from .losses import FrameL1Loss, FrameMSELoss, FrameSSIMLoss, GradientDifferenceLoss
from .simvp import SimVPNetwork
from .translators import ConvLSTMTranslator, ConvMixerTranslator
from .trunk_network import TrunkFrameNetwork

__all__ = [
    "ConvLSTMNetwork",
    "ConvLSTMTranslator",
    "ConvMixerTranslator",
    "FrameL1Loss",
    "FrameMSELoss",
    "FramePredictor",
    "FrameSSIMLoss",
    "GradientDifferenceLoss",
    "SimVPNetwork",
    "TrunkFrameNetwork",
]
