"""The layouts the doctor knows, in the order in which it asks them.

The first that recognises weights is taken: those that are told by more names stand
before others, and what cannot be converted is last.
"""

from __future__ import annotations

from ..layout import Layout
from . import (
    c3d,
    efficientnet_lite,
    i3d,
    mmaction2,
    panns,
    resnet3d_hara,
    s3d_kylemin,
    soundnet,
    torchvision_video,
    unavailable,
    vggish,
)

LAYOUTS: tuple[Layout, ...] = (
    *i3d.LAYOUTS,
    *mmaction2.LAYOUTS,
    *torchvision_video.LAYOUTS,
    *s3d_kylemin.LAYOUTS,
    *c3d.LAYOUTS,
    *resnet3d_hara.LAYOUTS,
    *efficientnet_lite.LAYOUTS,
    *panns.LAYOUTS,
    *vggish.LAYOUTS,
    *soundnet.LAYOUTS,
    *unavailable.LAYOUTS,
)

__all__ = ["LAYOUTS"]
