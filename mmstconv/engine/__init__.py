from .hooks import ConsistencyHook, SafeCheckpointHook

__all__ = ["ConsistencyHook", "SafeCheckpointHook"]
