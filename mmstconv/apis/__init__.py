from ..checkpoints import Conversion, convert_checkpoint
from .inference import load_recognizer, predict_video
from .long_video import StreamingRecognizer, WindowScore, score_video

__all__ = [
    "Conversion",
    "StreamingRecognizer",
    "WindowScore",
    "convert_checkpoint",
    "load_recognizer",
    "predict_video",
    "score_video",
]
