"""A batch on its way to the device."""

from .blending import MultiModalBlending
from .trimodal_data_preprocessor import TriModalDataPreprocessor

__all__ = ["MultiModalBlending", "TriModalDataPreprocessor"]
