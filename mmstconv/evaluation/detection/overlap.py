"""How far segments of time overlap."""

from __future__ import annotations

import numpy as np


def temporal_iou(segments: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Temporal intersection over union (tIoU) of each pair; in float64.

    Where both have no length there is no union; their tIoU is 0.

    Args:
        segments: Starts and ends, ``(N, 2)``.
        others: Starts and ends, ``(M, 2)``.

    Returns:
        ``(N, M)``.
    """
    starts, ends = np.asarray(segments, np.float64).reshape(-1, 2, 1).swapaxes(0, 1)
    other_starts, other_ends = np.asarray(others, np.float64).reshape(-1, 2).T
    common = np.minimum(ends, other_ends) - np.maximum(starts, other_starts)
    common = common.clip(0)  # (N, M)
    union = (other_ends - other_starts) + (ends - starts) - common
    return np.divide(common, union, out=np.zeros_like(common), where=union > 0)
