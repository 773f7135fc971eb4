"""Reading and writing media files; knows nothing of MMAction2."""

from .errors import (
    MediaError,
    MediaLimitError,
    MediaTimeoutError,
    NoStreamError,
    UnreadableMediaError,
    UntrustedMediaError,
)
from .image_folder import ImageFolderReader
from .limits import MediaLimits
from .reader import READERS, MediaInfo, MediaReader, open_media
from .view import View
from .writer import write_media

__all__ = [
    "READERS",
    "ImageFolderReader",
    "MediaError",
    "MediaInfo",
    "MediaLimitError",
    "MediaLimits",
    "MediaReader",
    "MediaTimeoutError",
    "NoStreamError",
    "UnreadableMediaError",
    "UntrustedMediaError",
    "View",
    "open_media",
    "write_media",
]
