"""Frames to come from frames seen, with flow and sound beside them."""

from .frame_predictor import FramePredictor
from .losses import FrameL1Loss, FrameMSELoss, FrameSSIMLoss, GradientDifferenceLoss
from .translators import ConvLSTMTranslator, ConvMixerTranslator
from .trunk_network import TrunkFrameNetwork

__all__ = [
    "ConvLSTMTranslator",
    "ConvMixerTranslator",
    "FrameL1Loss",
    "FrameMSELoss",
    "FramePredictor",
    "FrameSSIMLoss",
    "GradientDifferenceLoss",
    "TrunkFrameNetwork",
]
