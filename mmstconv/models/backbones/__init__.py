from .audio_convnet import AudioConvNet
from .st_convnet import STConvNet

__all__ = ["AudioConvNet", "STConvNet"]
