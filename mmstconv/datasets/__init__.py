"""What MMAction2's data side lacks: a strict dataset, transforms on one clock."""

from ..compat import repair_color_jitter
from .transforms import *  # noqa: F403
from .transforms import __all__ as _transforms
from .video_dataset import AnnotationError, MultiModalVideoDataset

__all__ = ["AnnotationError", "MultiModalVideoDataset", *_transforms]

repair_color_jitter()
