from .inference import load_recognizer, predict_video

__all__ = ["load_recognizer", "predict_video"]
