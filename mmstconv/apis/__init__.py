from ..checkpoints import Conversion, convert_checkpoint
from .inference import load_recognizer, predict_video

__all__ = ["Conversion", "convert_checkpoint", "load_recognizer", "predict_video"]
