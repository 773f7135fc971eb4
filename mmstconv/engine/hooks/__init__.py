from .clip_visualization_hook import ClipVisualizationHook
from .consistency_hook import ConsistencyHook
from .safe_checkpoint_hook import SafeCheckpointHook

__all__ = ["ClipVisualizationHook", "ConsistencyHook", "SafeCheckpointHook"]
