"""Files of object stores and web servers, read whole or in ranges."""

from .fetching import fetch, open_at, source_at
from .store import Store

__all__ = ["Store", "fetch", "open_at", "source_at"]
