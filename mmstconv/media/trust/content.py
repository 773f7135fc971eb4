"""The bytes of a file as FFmpeg gets them."""

from __future__ import annotations

from typing import BinaryIO

from .errors import FetchError
from .limits import Deadline


class Content:
    """A file that ends after a number of bytes, and as soon as the time is over.

    FFmpeg may read a whole file, again and again, before it returns from a seek, and
    nothing can interrupt it. But it asks for every byte here, so an end of the file
    ends the seek.

    Args:
        file: The file.
        size: How many of its bytes FFmpeg gets.
        deadline: When the time is over.
    """

    def __init__(self, file: BinaryIO, size: int, deadline: Deadline) -> None:
        self.file = file
        self.size = size
        self.deadline = deadline

    def read(self, count: int) -> bytes:
        if self.deadline.is_over:
            return b""
        try:
            return self.file.read(max(min(count, self.size - self.file.tell()), 0))
        except FetchError as error:  # raised again once FFmpeg has returned
            self.deadline.failure = error
            return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence == 2:
            offset, whence = self.size + offset, 0
        try:
            return self.file.seek(offset, whence)
        except (OSError, OverflowError, ValueError):
            return -1  # tells FFmpeg that there is no such place

    def tell(self) -> int:
        return self.file.tell()
