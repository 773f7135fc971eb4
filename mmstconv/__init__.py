"""Tri-modal (RGB, optical flow, audio) spatio-temporal ConvNets for MMAction2.

Importing the package is all a config needs (``custom_imports=['mmstconv']``): it
repairs what is broken in today's stack, lets no checkpoint run code, read or written,
names the package to MMEngine (``_base_ = 'mmstconv::...'``) and tells MMAction2's
registries where our parts are.
All this happens when MMEngine and MMAction2 are imported, and the parts themselves are
imported at the first look-up: this import is cheap.
"""

from .compat import register_lazily, repair_third_party
from .importing import after_import
from .version import __version__

__all__ = ["__version__"]


def _open_and_write_safely() -> None:
    from .checkpoints.loaders import load_safely, save_safely

    load_safely()
    save_safely()


repair_third_party()
after_import("mmengine.runner.checkpoint", _open_and_write_safely)
register_lazily()
