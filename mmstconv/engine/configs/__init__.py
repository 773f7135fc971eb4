"""Reading a config, with its mistakes told by file and line."""

from .keys import check_config
from .reading import ConfigError, read_config
from .signatures import registered

__all__ = ["ConfigError", "check_config", "read_config", "registered"]
