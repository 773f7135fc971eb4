"""Features along video files, aligned in time across modalities, and files of them."""

from .extract import FUSED, LEVELS, FeatureReader, extract_features
from .formats import FORMATS, FeatureFiles
from .models import load_feature_model
from .rows import FeatureRows, Resampler, join_rows
from .saving import save_features

__all__ = [
    "FORMATS",
    "FUSED",
    "LEVELS",
    "FeatureFiles",
    "FeatureReader",
    "FeatureRows",
    "Resampler",
    "extract_features",
    "join_rows",
    "load_feature_model",
    "save_features",
]
