from .amp import CPUAmpOptimWrapper
from .hooks import (
    AtomicCheckpointHook,
    ConsistencyHook,
    GradientBlendingHook,
    GradientModulationHook,
    InvalidLossHook,
    SafeCheckpointHook,
)
from .loops import ResumableTrainLoop

__all__ = [
    "AtomicCheckpointHook",
    "CPUAmpOptimWrapper",
    "ConsistencyHook",
    "GradientBlendingHook",
    "GradientModulationHook",
    "InvalidLossHook",
    "ResumableTrainLoop",
    "SafeCheckpointHook",
]
