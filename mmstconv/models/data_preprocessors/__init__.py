"""A batch on its way to the device."""

from .trimodal_data_preprocessor import TriModalDataPreprocessor

__all__ = ["TriModalDataPreprocessor"]
