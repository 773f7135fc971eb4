from .trimodal_data_preprocessor import TriModalDataPreprocessor

__all__ = ["TriModalDataPreprocessor"]
