"""Data sets that read strictly, and transforms that share one clock."""

from .annotation import AnnotationError
from .bad_samples import BadDataError
from .captions import CaptionDataset
from .film_cache import FilmCache
from .film_steps import FilmSteps, FilmStepsError
from .rawframe_dataset import MultiModalRawframeDataset
from .samplers import ClassBalancedSampler, ResumableSampler
from .segment_dataset import MultiModalSegmentDataset
from .sequences import (
    FrameSequenceDataset,
    KTHDataset,
    MovingDigitsDataset,
    MovingMNISTDataset,
)
from .sharded_dataset import ShardedVideoDataset
from .summaries import SummaryDataset
from .transforms import *  # noqa: F403
from .transforms import __all__ as _transforms
from .untrimmed_dataset import UntrimmedVideoDataset
from .video_dataset import MultiModalVideoDataset
from .wrappers import ClassBalancedDataset, ConcatDataset, RepeatDataset

__all__ = [
    "SummaryDataset",
    "AnnotationError",
    "BadDataError",
    "CaptionDataset",
    "ClassBalancedDataset",
    "ClassBalancedSampler",
    "ConcatDataset",
    "FilmCache",
    "FilmSteps",
    "FilmStepsError",
    "FrameSequenceDataset",
    "KTHDataset",
    "MovingDigitsDataset",
    "MovingMNISTDataset",
    "MultiModalRawframeDataset",
    "MultiModalSegmentDataset",
    "MultiModalVideoDataset",
    "RepeatDataset",
    "ResumableSampler",
    "ShardedVideoDataset",
    "UntrimmedVideoDataset",
    *_transforms,
]
