from .clip_visualization_hook import ClipVisualizationHook
from .consistency_hook import ConsistencyHook
from .gradient_blending_hook import GradientBlendingHook
from .gradient_modulation_hook import GradientModulationHook
from .safe_checkpoint_hook import SafeCheckpointHook

__all__ = [
    "ClipVisualizationHook",
    "ConsistencyHook",
    "GradientBlendingHook",
    "GradientModulationHook",
    "SafeCheckpointHook",
]
