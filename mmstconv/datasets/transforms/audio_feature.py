"""Audio features that users have extracted already."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from mmstconv.media import MediaError, MediaReader

from ..bad_samples import is_of_the_sample
from .checks import positive_int, positive_number, require
from .extracted import checked_pattern, companion, first_extracted, note
from .loading import mark_presence
from .roles import Role


@TRANSFORMS.register_module()
class LoadClipAudioFeature(BaseTransform):
    """Cuts the clips' windows out of an extracted audio feature (``.npy``).

    Where there is none the modality is absent, and zeros stand in its place. So it is
    for one that cannot be read, which ``damage`` then names, and for a sample that the
    data set has given up (``failure``).

    Required Keys:

        - filename
        - failure (optional)
        - clip_starts
        - clip_duration
        - speed (optional): rows are taken so many apart
        - media (optional): tells when the sound begins, if not at 0
        - segment (optional): begin and end in seconds; rows beyond are not read, the
          first and the last one of it are repeated, as at the ends of a file

    Modified Keys:

        - damage

    Added Keys:

        - audio: float32 ``(num_clips, bands, F)``
        - presence: of ``audio``

    Args:
        path: Path of a file's feature, ``(time, bands)``; ``{stem}`` and ``{parent}``
            stand for the media file's name without suffix and its directory's name.
        rate: Rows of the feature per second.
        context: Seconds added to the clip's duration, half before and half after.
        absent_bands: Bands of the zeros that stand for a feature that is not there;
            give those of the features.
    """

    role = Role(modalities=("audio",), of_windows=True)

    def __init__(
        self, path: str, rate: float, context: float = 0.0, absent_bands: int = 64
    ) -> None:
        self.path = checked_pattern("path", path, "stem", "parent")
        self.rate = positive_number("rate", rate)
        self.context = positive_number("context", context, allow_zero=True)
        self.absent_bands = positive_int("absent_bands", absent_bands)

    def transform(self, results: dict) -> dict:
        starts = require(results, "clip_starts", self, "SampleClips")
        late = _sound_begins(results.get("media"))
        starts = np.asarray(starts) - late
        feature = None
        if not results.get("failure"):
            feature = self._read(results, starts)
        present = feature is not None
        if not present:
            feature = np.zeros((1, self.absent_bands), np.float32)
        speed = results.get("speed", 1.0)
        seconds = results["clip_duration"] / speed + self.context
        # the same at every speed: a product that ends in .5 is rounded alike
        steps = np.arange(max(round(round(seconds * self.rate, 6)), 1)) * speed
        begins = np.rint((starts - self.context * speed / 2) * self.rate)
        rows = np.rint(begins[:, None] + steps).astype(int)
        rows = np.clip(rows, *self._extent(results.get("segment"), late, len(feature)))
        windows = feature[rows].transpose(0, 2, 1)  # (num_clips, bands, F)
        results["audio"] = np.ascontiguousarray(windows, np.float32)
        mark_presence(results, present, "audio")
        return results

    def _extent(
        self, segment: tuple[float, float] | None, late: float, count: int
    ) -> tuple[int, int]:
        """The first and the last row that may be read."""
        if segment is None:
            return 0, count - 1
        begin, end = (round((edge - late) * self.rate, 6) for edge in segment)
        first = min(max(math.ceil(begin), 0), count - 1)
        return first, min(max(math.ceil(end) - 1, first), count - 1)

    def probe(self, results: Mapping) -> dict[str, bool]:
        """Whether the sample has a feature."""
        return {"audio": companion(self.path, results).exists()}

    def check_extracted(self, infos: Iterable[Mapping]) -> None:
        """Raises if no sample has a feature, or zeros would not be of its bands.

        Args:
            infos: Of all samples of a data set.
        """
        name = type(self).__name__
        path = first_extracted(infos, partial(companion, self.path), name)
        try:
            bands = _read_feature(path).shape[1]
        except MediaError:
            return  # the feature of this sample alone is broken
        if bands != self.absent_bands:
            raise ValueError(
                f"{name}: {path} has {bands} bands, and what stands for a feature that "
                f"is not there would have {self.absent_bands}: set absent_bands={bands}"
            )

    def _read(self, results: dict, starts: np.ndarray) -> np.ndarray | None:
        path = companion(self.path, results)
        try:
            feature = _read_feature(path)
        except FileNotFoundError:
            return None
        except (MediaError, OSError) as error:
            if not is_of_the_sample(error):
                raise
            note(results, str(error))
            return None
        ends = len(feature) / self.rate
        if starts.max() > ends:
            note(
                results,
                f"{path} ends at {ends:.1f} s, a clip begins at {starts.max():.1f} s: "
                f"is rate={self.rate:g} right?",
            )
        return feature

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(path={self.path!r}, rate={self.rate}, "
            f"context={self.context}, absent_bands={self.absent_bands})"
        )


def _sound_begins(media: MediaReader | None) -> float:
    """When the sound of a file begins, on its own clock, in seconds."""
    if media is None or media.extent[0] == 0:
        return 0.0
    return media.info.audio_start if media.has_audio else media.extent[0]


def _read_feature(path: Path) -> np.ndarray:
    """``(time, bands)``, without running what a pickled array may hold."""
    try:
        feature = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise MediaError(str(path), f"is not a readable array: {error}") from error
    if isinstance(feature, np.lib.npyio.NpzFile):
        feature.close()
        raise MediaError(str(path), "holds several arrays, not one")
    if feature.dtype.kind not in "fiu":
        raise MediaError(str(path), "is not an array of numbers")
    if feature.ndim != 2 or 0 in feature.shape:
        raise MediaError(
            str(path), f"expected an array (time, bands), got shape {feature.shape}"
        )
    if not np.isfinite(feature).all():
        raise MediaError(str(path), "has values that are not finite")
    return feature
