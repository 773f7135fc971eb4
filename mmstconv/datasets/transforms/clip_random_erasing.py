"""Random erasing of a box of the frames."""

from __future__ import annotations

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from .roles import AT_RANDOM
from .stock import clips_of_frames, mean_colour


@TRANSFORMS.register_module()
class ClipRandomErasing(BaseTransform):
    """Paints over a box of the frames, the same one in all frames of a clip.

    `Random erasing <https://arxiv.org/abs/1708.04896>`_, with the clip's mean colour
    in place of the part. Flow computed from the frames afterwards is zero inside.

    Required Keys:

        - imgs: of any number of clips
        - clip_len

    Modified Keys:

        - imgs

    Args:
        prob: Share of the clips with a box.
        area_range: Share of the frame that the box covers.

    Raises:
        ValueError: An argument is outside of 0..1.
    """

    role = AT_RANDOM

    def __init__(
        self, prob: float = 0.25, area_range: tuple[float, float] = (0.02, 0.33)
    ) -> None:
        low, high = area_range
        if not (0 <= prob <= 1 and 0 <= low <= high <= 1):
            raise ValueError(
                f"prob and area_range must lie in 0..1, got {prob} and {area_range}"
            )
        self.prob = prob
        self.area_range = (low, high)

    def transform(self, results: dict) -> dict:
        clips = [
            self._erased(clip) if np.random.rand() < self.prob else clip
            for clip in clips_of_frames(results, self)
        ]
        results["imgs"] = [frame for clip in clips for frame in clip]
        return results

    def _erased(self, clip: list[np.ndarray]) -> list[np.ndarray]:
        height, width = clip[0].shape[:2]
        area = np.random.uniform(*self.area_range)
        stretch = np.exp(np.random.uniform(-1, 1) * np.log(3.3) / 2)  # aspect 0.3..3.3
        # a side that does not fit gives what it lacks to the other
        high = float(np.clip(np.sqrt(area) * stretch, area, 1))
        rows, columns = round(high * height), round(area / max(high, 1e-9) * width)
        y = np.random.randint(height - rows + 1)
        x = np.random.randint(width - columns + 1)
        colour = mean_colour(clip).round()
        colour = colour if clip[0].ndim == 3 else colour[0]
        erased = [frame.copy() for frame in clip]
        for frame in erased:
            frame[y : y + rows, x : x + columns] = colour
        return erased

    def __repr__(self) -> str:
        return f"{type(self).__name__}(prob={self.prob}, area_range={self.area_range})"
