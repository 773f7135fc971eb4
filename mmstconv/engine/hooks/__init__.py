from .consistency_hook import ConsistencyHook
from .safe_checkpoint_hook import SafeCheckpointHook

__all__ = ["ConsistencyHook", "SafeCheckpointHook"]
