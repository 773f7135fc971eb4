"""Reading and writing media files; knows nothing of MMAction2."""

from .open_file import READERS, open_media
from .reading.image_folder import ImageFolderReader
from .reading.protocol import Media
from .reading.reader import MediaInfo, MediaReader
from .reading.view import View
from .trust.errors import (
    FetchError,
    MediaError,
    MediaLimitError,
    MediaTimeoutError,
    NoStreamError,
    UnreadableMediaError,
    UntrustedMediaError,
)
from .trust.limits import MediaLimits
from .trust.sources import FileSource, part_of_file
from .writing.write_options import SoundCoding, VideoCoding
from .writing.writer import write_media

__all__ = [
    "READERS",
    "FetchError",
    "FileSource",
    "ImageFolderReader",
    "Media",
    "MediaError",
    "MediaInfo",
    "MediaLimitError",
    "MediaLimits",
    "MediaReader",
    "MediaTimeoutError",
    "NoStreamError",
    "SoundCoding",
    "UnreadableMediaError",
    "UntrustedMediaError",
    "VideoCoding",
    "View",
    "open_media",
    "part_of_file",
    "write_media",
]
