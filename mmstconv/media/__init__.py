"""Reading and writing media files; knows nothing of MMAction2."""

from .errors import MediaError, NoStreamError, UnreadableMediaError, UntrustedMediaError
from .reader import READERS, MediaInfo, MediaReader, open_media
from .writer import write_media

__all__ = [
    "READERS",
    "MediaError",
    "MediaInfo",
    "MediaReader",
    "NoStreamError",
    "UnreadableMediaError",
    "UntrustedMediaError",
    "open_media",
    "write_media",
]
