"""Reading a config, with its mistakes told by file and line."""

from .keys import check_config
from .reading import ConfigError, read_config, require_model
from .signatures import Registered

__all__ = ["ConfigError", "Registered", "check_config", "read_config", "require_model"]
