"""SpecAugment: bands and moments of a log-mel spectrogram hidden."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from .checks import positive_int, require
from .roles import Role


@TRANSFORMS.register_module()
class SpecAugment(BaseTransform):
    """Hides stripes of a log-mel spectrogram, others in each clip.

    `SpecAugment <https://arxiv.org/abs/1904.08779>`_ without its time warping, which
    brought the least there. A stripe has a uniformly drawn width from zero to the
    widest, and the mean of the clip's spectrogram as its value. It comes after
    ``LogMel`` or ``LoadClipAudioFeature``; silence of a file without sound stays as it
    is.

    Required Keys:

        - audio: ``(num_clips, bands, F)``

    Modified Keys:

        - audio

    Args:
        masks: Stripes of bands, and as many of moments.
        bands: Share of the bands in the widest stripe. The paper: 27 of 80.
        moments: Share of the frames in the widest stripe.

    Raises:
        ValueError: A share is outside of 0..1, or ``audio`` has other axes.
    """

    role = Role(of_windows=True, at_random=True)

    def __init__(
        self, masks: int = 2, bands: float = 0.2, moments: float = 0.2
    ) -> None:
        self.masks = positive_int("masks", masks)
        if not (0 <= bands <= 1 and 0 <= moments <= 1):
            raise ValueError(
                f"bands and moments must lie in 0..1, got {bands} and {moments}"
            )
        self.bands = bands
        self.moments = moments

    def transform(self, results: dict) -> dict:
        audio = np.array(require(results, "audio", self, "LogMel"))  # a copy
        if audio.ndim != 3 or audio.shape[1] == 1:
            raise ValueError(
                "SpecAugment needs a spectrogram (num_clips, bands, frames), got "
                f"{audio.shape}: leave it out behind RawAudio"
            )
        for clip in audio:
            mean = clip.mean()
            for stripe in self._stripes(len(clip), self.bands):
                clip[stripe] = mean
            for stripe in self._stripes(clip.shape[1], self.moments):
                clip[:, stripe] = mean
        results["audio"] = audio
        return results

    def _stripes(self, size: int, widest: float) -> Iterator[slice]:
        for _ in range(self.masks):
            width = np.random.randint(round(widest * size) + 1)
            start = np.random.randint(size - width + 1)
            yield slice(start, start + width)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(masks={self.masks}, bands={self.bands}, "
            f"moments={self.moments})"
        )
