"""Names of files as people give them: any bytes, and places that are no file."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

REMOTE = re.compile(r"([A-Za-z0-9_.-]+:)?[A-Za-z][A-Za-z0-9+.-]*://")
REMOTE_ADVICE = (
    "is not on this machine: object stores and URLs are not read here; copy or mount "
    "the files and name them by their path"
)
FETCH_ADVICE = (
    "is not on this machine: put dict(type='FetchMedia') before OpenMedia in the "
    "pipeline, which fetches it, or copy or mount the files and name them by their path"
)


def is_remote(name: str) -> bool:
    """Whether a name is of an object store or a URL (``s3://``, ``http://`` ...)."""
    return isinstance(name, str) and REMOTE.match(name) is not None


def public_name(name: str) -> str:
    """A name as messages show it: of a URL no user, password, query or fragment.

    These may be credentials, such as the signature of a URL that was signed for a time.
    """
    if not is_remote(name):
        return name
    scheme, _, rest = name.partition("://")
    where, slash, path = re.split(r"[?#]", rest, maxsplit=1)[0].partition("/")
    return f"{scheme}://{where.rpartition('@')[2]}{slash}{path}"


def lasting_name(path: str | os.PathLike) -> str:
    """What a file is called wherever one works: its whole path, or its address."""
    name = os.fspath(path)
    return public_name(name) if is_remote(name) else os.path.abspath(name)


def local_path(text: str) -> Path:
    """The type of a command line's argument that is a path on this machine."""
    if is_remote(text):
        raise argparse.ArgumentTypeError(f"{public_name(text)} {REMOTE_ADVICE}")
    return Path(text)


def media_path(text: str) -> Path | str:
    """The type of a command line's argument that is a media file, here or elsewhere."""
    return text if is_remote(text) else Path(text)
