from .trimodal_recognizer import TriModalRecognizer

__all__ = ["TriModalRecognizer"]
