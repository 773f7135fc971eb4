"""What a Python user calls: load a model, predict, read long videos, export."""

from ..checkpoints.conversion import Conversion
from ..checkpoints.doctor import convert_checkpoint
from .analyze import Analysis, analyze
from .caching import cache_film_steps
from .camera import StreamingRecognizer
from .camera_captions import StreamingCaptioner
from .camera_events import StreamingDetector
from .captions import TimedCaption, caption_events, caption_video
from .detect import Detection, detect
from .export import export_model
from .features import FeatureRows, extract_features, load_feature_model, save_features
from .film_steps import extract_film_steps, film_steps
from .inference import (
    class_names,
    class_probabilities,
    extract_steps,
    has_several_classes,
    load_recognizer,
    predict_video,
)
from .joining import join_tasks
from .long_video import score_video
from .predict_frames import FrameForecast, predict_frames
from .predictions import Prediction, predict_videos
from .summarize import FilmSummary, choose_shots, summarize
from .windows import Window

__all__ = [
    "Analysis",
    "Conversion",
    "Detection",
    "FeatureRows",
    "FilmSummary",
    "FrameForecast",
    "Prediction",
    "StreamingCaptioner",
    "StreamingDetector",
    "StreamingRecognizer",
    "TimedCaption",
    "Window",
    "analyze",
    "cache_film_steps",
    "caption_events",
    "caption_video",
    "choose_shots",
    "class_names",
    "class_probabilities",
    "convert_checkpoint",
    "detect",
    "export_model",
    "extract_features",
    "extract_film_steps",
    "extract_steps",
    "film_steps",
    "has_several_classes",
    "join_tasks",
    "load_feature_model",
    "load_recognizer",
    "predict_frames",
    "predict_video",
    "predict_videos",
    "save_features",
    "score_video",
    "summarize",
]
