"""Training and testing: the parts of a run that the registries know."""

from .cpu import CPUAmpOptimWrapper
from .hooks import (
    AtomicCheckpointHook,
    ConsistencyHook,
    GradientBlendingHook,
    GradientModulationHook,
    InvalidLossHook,
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
]
