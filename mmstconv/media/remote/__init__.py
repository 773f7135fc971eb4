"""Files of object stores and web servers, read whole or in ranges."""

from .fetching import fetch, source_at
from .store import Store

__all__ = ["Store", "fetch", "source_at"]
