from .hooks import (
    ConsistencyHook,
    GradientBlendingHook,
    GradientModulationHook,
    SafeCheckpointHook,
)

__all__ = [
    "ConsistencyHook",
    "GradientBlendingHook",
    "GradientModulationHook",
    "SafeCheckpointHook",
]
