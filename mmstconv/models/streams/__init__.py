"""One modality: its backbone, its neck, and only the rows that have it."""

from .conv_stream import ConvStream
from .present_rows import run_present_rows

__all__ = ["ConvStream", "run_present_rows"]
