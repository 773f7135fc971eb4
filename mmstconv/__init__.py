"""Tri-modal (RGB, optical flow, audio) spatio-temporal ConvNets for MMAction2.

Importing the package is all a config needs (``custom_imports=['mmstconv']``): it
repairs what is broken in today's stack, lets no checkpoint run code, read or written,
names the package to MMEngine (``_base_ = 'mmstconv::...'``) and tells MMAction2's
registries where our parts are.
The parts themselves are imported at the first look-up, so this import stays cheap.
"""

import sys

from .version import __version__

__all__ = ["__version__"]


def _is_looked_up() -> bool:
    """Whether ``python -m mmstconv`` is on its way to ``__main__``.

    That answers ``--help`` without the seconds below, and imports the package anew.
    """
    pairs = zip(sys.orig_argv, sys.orig_argv[1:], strict=False)
    return sys.argv[:1] == ["-m"] and ("-m", __name__) in pairs


if not _is_looked_up():
    from .checkpoints.loaders import load_safely, save_safely
    from .compat import register_lazily, repair_third_party

    repair_third_party()
    load_safely()
    save_safely()
    register_lazily()
