"""What is recognised: a file, the content of one, a stream, or a URL."""

from __future__ import annotations

import os
from typing import BinaryIO
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from ..disk import is_remote

Source = str | os.PathLike | bytes | BinaryIO
TIMEOUT = 60.0  # seconds without a byte


def name_of(source: Source) -> str:
    """How a source is called in messages and results."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return f"<{len(source)} bytes>"
    if hasattr(source, "read"):
        return str(getattr(source, "name", "<stream>"))
    return os.fspath(source)


def content_of(source: Source) -> str | bytes:
    """A path as it is, of anything else the whole content.

    Raises:
        OSError: It cannot be read; the message names it.
        ValueError: It is a URL that is neither of the web nor of a file system that
            fsspec knows.
    """
    if hasattr(source, "read"):
        return source.read()
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    name = os.fspath(source)
    if not isinstance(name, str) or not is_remote(name):
        return name
    if urlsplit(name).scheme in ("http", "https"):
        return _of_web(name)
    try:
        import fsspec
    except ImportError:
        raise ValueError(f"{name}: pip install fsspec to read it") from None
    with fsspec.open(name, "rb") as file:
        return file.read()


def _of_web(url: str) -> bytes:
    try:
        with urlopen(url, timeout=TIMEOUT) as answer:
            content = answer.read()
            wanted = answer.headers.get("Content-Length")
    except (URLError, OSError) as error:
        raise OSError(f"{url}: {getattr(error, 'reason', error)}") from error
    if wanted is not None and len(content) != int(wanted):
        raise OSError(f"{url}: {len(content)} of {wanted} bytes came")
    return content
