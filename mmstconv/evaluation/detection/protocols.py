"""The lists of thresholds by which data sets are judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

#: tIoU from which on a detection is right. ActivityNet: ``ANETdetection`` of the
#: official evaluation. The others: tables of ActionFormer (Zhang et al. 2022), of
#: EPIC-KITCHENS-100 (Damen et al. 2022) and of MultiTHUMOS (Yeung et al. 2018).
TIOU_THRESHOLDS = {
    "activitynet": np.linspace(0.5, 0.95, 10),
    "thumos": np.linspace(0.3, 0.7, 5),
    "epic": np.linspace(0.1, 0.5, 5),
    "multithumos": np.linspace(0.1, 0.9, 9),
}
#: Seconds on either side within which an instant is right. ``soccernet_tight`` and
#: ``soccernet_loose`` are widths of the window, as SoccerNet names them (Giancola et
#: al. 2018; Deliege et al. 2021): half of them lies on either side.
SPOTTING_TOLERANCES = {
    "seconds": np.array([0.1, 0.25, 0.5, 1.0]),
    "soccernet_tight": np.arange(1.0, 6.0),
    "soccernet_loose": np.arange(5.0, 61.0, 5.0),
}


def thresholds_of(
    protocol: str,
    protocols: Mapping[str, Sequence[float]] = TIOU_THRESHOLDS,
) -> np.ndarray:
    """The list of a protocol.

    Raises:
        ValueError: There is no such protocol.
    """
    if protocol not in protocols:
        raise ValueError(f"protocol={protocol!r}, expected one of {list(protocols)}")
    return np.asarray(protocols[protocol])
