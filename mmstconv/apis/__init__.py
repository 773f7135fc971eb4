from ..checkpoints.conversion import Conversion
from ..checkpoints.doctor import convert_checkpoint
from .export import export_model
from .inference import (
    class_names,
    class_probabilities,
    extract_steps,
    has_several_classes,
    load_recognizer,
    predict_video,
)
from .long_video import StreamingRecognizer, Window, score_video

__all__ = [
    "Conversion",
    "StreamingRecognizer",
    "Window",
    "class_names",
    "class_probabilities",
    "convert_checkpoint",
    "export_model",
    "extract_steps",
    "has_several_classes",
    "load_recognizer",
    "predict_video",
    "score_video",
]
