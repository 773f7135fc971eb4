"""Perceptual hash of a film: of a few frames, at fixed shares of its length.

Each frame gives 64 bits (pHash: the signs of the lowest frequencies of a cosine
transform, Zauner 2010), as OpenCV computes it. Another codec, size or rate changes few
of them. A film that is cut otherwise gives other frames, and is not found.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)  # of the length of a film
SHORT_SIDE = 64  # pixels that frames need; the hash sees 32 by 32
FLAT = 4.0  # levels: the standard deviation of a frame without content
NEEDED = 3  # frames with content, for a hash to say something


def hash_of(frames: Sequence[np.ndarray]) -> str | None:
    """The hash of a film.

    Args:
        frames: RGB images, uint8 ``(H, W, 3)``, shown at :data:`SHARES`.

    Returns:
        Hexadecimal, 16 digits a frame; None if most frames are flat.
    """
    import cv2

    if sum(frame.std() > FLAT for frame in frames) < NEEDED:
        return None
    gray = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    return b"".join(cv2.img_hash.pHash(one).tobytes() for one in gray).hex()
