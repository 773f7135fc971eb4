from .keys import check_config
from .reading import ConfigError, read_config
from .signatures import registered

__all__ = ["ConfigError", "check_config", "read_config", "registered"]
