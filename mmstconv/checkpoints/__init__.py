from .conversion import Conversion
from .doctor import convert_checkpoint
from .layout import Layout
from .layouts import LAYOUTS

__all__ = ["LAYOUTS", "Conversion", "Layout", "convert_checkpoint"]
