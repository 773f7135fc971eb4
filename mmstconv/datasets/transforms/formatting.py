"""Bringing all modalities to the shapes the model takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from mmstconv.modalities import MODALITIES

from .checks import modality_names, require
from .loading import mark_presence
from .roles import Role
from .stock import SAMPLERS, frames_per_clip, is_stock

# Who fills a modality that there are loaders for; an error names it.
PRODUCERS = {
    "rgb": "LoadFrames or a decoder of MMAction2",
    "flow": "ComputeFlow",
    "audio": "LogMel or RawAudio",
}


@TRANSFORMS.register_module()
class FormatClips(BaseTransform):
    """Puts each modality under its own key, all with the same clips in one order.

    The first dimension ``M`` counts crops and clips, crops outermost, as MMAction2's
    ``FormatShape`` does. What has no crops, as sound, is repeated for each of them.

    ``rgb`` is made of ``imgs``. Every other modality is what a transform has put under
    its name: ``flow``, ``audio``, or one of the user's own, an array that begins with
    the clips of the file or with its crops and clips.

    A single modality is also put where ``PackActionInputs`` finds it without
    ``collect_keys``: then it packs the one tensor that MMAction2's recognizers take.

    Required Keys:

        - num_clips
        - imgs, clip_len (for ``rgb``)
        - the name of each other modality
        - failure (optional)

    Added Keys:

        - rgb: uint8 ``(M, 3, clip_len, H, W)``, without each clip's additional frame
          (``keep_last_frame``: with it)
        - imgs, if there is one modality that is not ``audio``: the same as under its
          name
        - audios, if it is ``audio``: ``(M, 1, L, bands)``, as ``FormatAudioShape`` has
          it for ``RecognizerAudio``

    Modified Keys:

        - each other modality: ``(M, ...)``
        - presence: all absent, if the data set has given the sample up (``failure``)
        - damage: with what the reader has found broken in the file

    Args:
        modalities: Which to format.
        keep_last_frame: Keep the frame after the last step, for
            ``TriModalDataPreprocessor`` to derive the flow on the device.
    """

    role = Role("format")

    def __init__(
        self,
        modalities: Sequence[str] = MODALITIES,
        keep_last_frame: bool = False,
    ) -> None:
        self.modalities = modality_names(modalities)
        self.keep_last_frame = bool(keep_last_frame)

    def transform(self, results: dict) -> dict:
        # a new dictionary: the frames as they were stay with the caller
        results = {**results, **self._formatted(results)}
        if len(self.modalities) == 1:
            (name,) = self.modalities
            results.pop("imgs", None)
            results.update(_stock(name, results[name]))
        if results.get("failure"):
            mark_presence(results, False, *self.modalities)
        media = results.pop("media", None)
        if media is not None:
            noted = results.setdefault("damage", [])
            noted += [what for what in media.damage if what not in noted]
            media.close()
        return results

    def _formatted(self, results: dict) -> dict[str, np.ndarray]:
        """``{modality: (M, ...)}``."""
        formatted = {
            name: _frames(results, self)
            if name == "rgb"
            else np.asarray(require(results, name, self, producer_of(name)))
            for name in self.modalities
        }
        clips = {name: len(value) for name, value in formatted.items()}
        num_clips = require(results, "num_clips", self, SAMPLERS)
        rows = _rows_of_images(results, self) or max(clips.values())
        if set(clips.values()) - {rows, num_clips} or rows % num_clips:
            raise ValueError(f"modalities differ in their number of clips: {clips}")
        return {
            name: value if len(value) == rows else _repeated(value, rows // num_clips)
            for name, value in formatted.items()
        }

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(modalities={self.modalities}, "
            f"keep_last_frame={self.keep_last_frame})"
        )


def producer_of(modality: str) -> str:
    """What fills a modality."""
    return PRODUCERS.get(modality, f"a transform that fills '{modality}'")


def _stock(modality: str, clips: np.ndarray) -> dict[str, np.ndarray]:
    """The key that ``PackActionInputs`` looks for, and what a recognizer expects."""
    if modality == "audio":
        return dict(audios=clips[:, None].swapaxes(2, 3))  # (M, 1, L, bands)
    return dict(imgs=clips)


def _frames(results: dict, transform: FormatClips) -> np.ndarray:
    images = np.stack(require(results, "imgs", transform, producer_of("rgb")))
    if images.ndim != 4:
        raise ValueError(
            f"FormatClips needs frames (H, W, 3), got images of shape "
            f"{images.shape[1:]}; it takes the place of FormatShape: leave that out"
        )
    frames = frames_per_clip(results, transform)
    clips = images.reshape(-1, frames, *images.shape[1:])  # (M, T + 1, H, W, 3)
    if is_stock(results):
        if transform.keep_last_frame:
            raise ValueError(
                "FormatClips(keep_last_frame=True) needs a frame more than clip_len; "
                "put SampleClips before it in the pipeline"
            )
    elif not transform.keep_last_frame:
        clips = clips[:, :-1]
    return np.ascontiguousarray(clips.transpose(0, 4, 1, 2, 3))


def _rows_of_images(results: dict, transform: FormatClips) -> int:
    """Crops times clips of the frames; 0 if none were loaded."""
    images = results.get("imgs")
    return len(images) // frames_per_clip(results, transform) if images else 0


def _repeated(clips: np.ndarray, crops: int) -> np.ndarray:
    """``(clips, ...)`` to ``(crops * clips, ...)``, crops outermost."""
    return np.tile(clips, (crops,) + (1,) * (clips.ndim - 1))
