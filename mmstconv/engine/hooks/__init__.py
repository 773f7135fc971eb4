"""MMEngine hooks of this package."""

from .atomic_checkpoint_hook import AtomicCheckpointHook, CheckpointNotSaved
from .bad_sample_hook import BadSampleHook
from .clip_visualization_hook import ClipVisualizationHook
from .consistency_hook import ConsistencyHook
from .epoch_logger_hook import EpochLoggerHook
from .film_cache_hook import FilmCacheHook
from .gradient_blending_hook import GradientBlendingHook
from .gradient_modulation_hook import GradientModulationHook
from .invalid_loss_hook import InvalidLossError, InvalidLossHook
from .presence_hook import PresenceHook

__all__ = [
    "AtomicCheckpointHook",
    "BadSampleHook",
    "CheckpointNotSaved",
    "ClipVisualizationHook",
    "ConsistencyHook",
    "EpochLoggerHook",
    "FilmCacheHook",
    "GradientBlendingHook",
    "GradientModulationHook",
    "InvalidLossError",
    "InvalidLossHook",
    "PresenceHook",
]
