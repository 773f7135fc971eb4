"""Data sets in the form that they were published in: one reader for each form."""

from . import class_tree  # noqa: F401  (registers; the last: it takes any folders)
from .layout import SPLITS, Layout, Sample
from .registry import FORMS, find_layout, read_layout

__all__ = ["FORMS", "SPLITS", "Layout", "Sample", "find_layout", "read_layout"]
