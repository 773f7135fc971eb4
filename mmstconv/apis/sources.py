"""What is recognised: a file, the content of one, a stream, or a URL."""

from __future__ import annotations

import os
from typing import BinaryIO

from ..disk import public_name

Source = str | os.PathLike | bytes | BinaryIO


def name_of(source: Source) -> str:
    """How a source is called in messages and results."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return f"<{len(source)} bytes>"
    if hasattr(source, "read"):
        return str(getattr(source, "name", "<stream>"))
    return public_name(os.fspath(source))


def content_of(source: Source) -> str | bytes:
    """A path or URL as it is (``FetchMedia`` reads it), of a stream all that it has.

    Raises:
        OSError: The stream cannot be read.
    """
    if hasattr(source, "read"):
        return source.read()
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    return os.fspath(source)
