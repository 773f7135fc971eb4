"""From the streams to one sequence of features, with modalities taken away."""

from .features import Features
from .fused import Fused, Steps
from .joint import Joint
from .subsets import NONE, subsets_of

__all__ = ["NONE", "Features", "Fused", "Joint", "Steps", "subsets_of"]
