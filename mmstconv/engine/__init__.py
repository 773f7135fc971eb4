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
from .work_dir import keep_configs_of_users

keep_configs_of_users()

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
