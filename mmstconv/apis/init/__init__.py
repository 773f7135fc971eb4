"""From a folder of the user's videos to lists, class names and a config to train."""

from .start import Started, init_folder

__all__ = ["Started", "init_folder"]
