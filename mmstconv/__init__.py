"""Tri-modal (RGB, optical flow, audio) spatio-temporal ConvNets for MMAction2.

Importing the package is all a config needs (``custom_imports=['mmstconv']``): it
repairs what is broken in today's stack, lets no checkpoint run code, read or written,
names the package to MMEngine (``_base_ = 'mmstconv::...'``) and tells MMAction2's
registries where our parts are.
The parts themselves are imported at the first look-up, so this import stays cheap.
"""

from .compat import register_lazily, repair_third_party
from .loading import load_safely, save_safely
from .version import __version__

repair_third_party()
load_safely()
save_safely()
register_lazily()

__all__ = ["__version__"]
