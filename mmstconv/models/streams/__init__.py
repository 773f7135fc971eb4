from .conv_stream import ConvStream
from .present_rows import run_present_rows

__all__ = ["ConvStream", "run_present_rows"]
