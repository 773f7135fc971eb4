"""Convolutional networks over space and time, and over sound."""

from .audio_convnet import AudioConvNet
from .mel_convnet import MelConvNet
from .st_convnet import STConvNet

__all__ = ["AudioConvNet", "MelConvNet", "STConvNet"]
