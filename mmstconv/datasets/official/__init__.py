"""Data sets in the form that they were published in: one reader for each form."""

# Each registers its form; a folder is looked at in this order, the last takes any.
from . import (  # noqa: F401, I001
    ucf101,
    hmdb51,
    kinetics,
    something,
    charades,
    audioset,
    vggsound,
    ave,
    epic_kitchens,
    moments,
    mmaction2,
    class_tree,
)
from .layout import SPLITS, Layout, Sample
from .registry import FORMS, find_layout, read_layout
from .write import Written, dataset_settings, write_lists

__all__ = [
    "FORMS",
    "SPLITS",
    "Layout",
    "Sample",
    "Written",
    "dataset_settings",
    "find_layout",
    "read_layout",
    "write_lists",
]
