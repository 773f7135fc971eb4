from ..checkpoints.conversion import Conversion
from ..checkpoints.doctor import convert_checkpoint
from .inference import (
    class_names,
    class_probabilities,
    has_several_classes,
    load_recognizer,
    predict_video,
)
from .long_video import StreamingRecognizer, WindowScore, score_video

__all__ = [
    "Conversion",
    "StreamingRecognizer",
    "WindowScore",
    "class_names",
    "class_probabilities",
    "convert_checkpoint",
    "has_several_classes",
    "load_recognizer",
    "predict_video",
    "score_video",
]
