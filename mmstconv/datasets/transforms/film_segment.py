"""The part of a video that a sample is about."""

from __future__ import annotations

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from ..film_steps import FilmSteps
from .checks import require
from .film_steps import LOADER
from .roles import Role


@TRANSFORMS.register_module()
class CropFilmSegment(BaseTransform):
    """Cached steps of a sample's segment of a video; without one, all of them.

    A step is of the segment if its middle is: from the begin on and before the end.
    Where there is none, the nearest step is taken, so that no sample is empty.

    Required Keys:

        - film_steps
        - segment (optional): Begin and end in seconds of the video

    Modified Keys:

        - film_steps
        - step_count

    Raises:
        ValueError: The segment ends before it begins; names the file.
    """

    role = Role()

    def transform(self, results: dict) -> dict:
        steps: FilmSteps = require(results, "film_steps", self, LOADER)
        segment = results.get("segment")
        if segment is None:
            return results
        begin, end = map(float, segment)
        if not begin <= end:
            raise ValueError(
                f"{results.get('filename')}: the segment from {begin:g} to {end:g} s "
                "ends before it begins"
            )
        middles = steps.seconds.mean(1)  # (T,)
        inside = np.flatnonzero((middles >= begin) & (middles < end))
        if len(inside) == 0:
            inside = [np.abs(middles - (begin + end) / 2).argmin()]
        results["film_steps"] = steps.part(int(inside[0]), len(inside))
        results["step_count"] = len(inside)
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
