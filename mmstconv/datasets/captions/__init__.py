"""Films and the sentences said of them: one reader for each published format."""

from . import activitynet, audio, msrvtt, msvd, tables  # noqa: F401  (register)
from .annotation import CAPTION_FORMATS, CaptionAnnotation, read_captions
from .caption_dataset import CaptionDataset
from .captioned import CaptionedFilm, Sentence

__all__ = [
    "CAPTION_FORMATS",
    "CaptionAnnotation",
    "CaptionDataset",
    "CaptionedFilm",
    "Sentence",
    "read_captions",
]
