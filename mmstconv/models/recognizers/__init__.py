"""Streams, joint and head as one model of MMAction2."""

from .trimodal_recognizer import TriModalRecognizer

__all__ = ["TriModalRecognizer"]
