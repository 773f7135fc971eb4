"""The layouts the doctor knows, in the order in which it asks them.

Those that are told by more names come first.
"""

from __future__ import annotations

from ..layout import Layout
from . import (
    c3d,
    i3d,
    mmaction2,
    panns,
    resnet3d_hara,
    s3d_kylemin,
    tbn,
    torchvision_video,
    vggish,
)

LAYOUTS: tuple[Layout, ...] = (
    *i3d.LAYOUTS,
    *mmaction2.LAYOUTS,
    *torchvision_video.LAYOUTS,
    *s3d_kylemin.LAYOUTS,
    *c3d.LAYOUTS,
    *resnet3d_hara.LAYOUTS,
    *panns.LAYOUTS,
    *vggish.LAYOUTS,
    *tbn.LAYOUTS,
)

__all__ = ["LAYOUTS"]
