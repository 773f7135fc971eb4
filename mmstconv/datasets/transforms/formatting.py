"""Bringing all modalities to the shapes the model takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from .checks import modality_names, require


@TRANSFORMS.register_module()
class FormatClips(BaseTransform):
    """Puts each modality under its own key, all with the same clips in one order.

    The first dimension ``M`` counts crops and clips, crops outermost, as MMAction2's
    ``FormatShape`` does. Sound has no crops: it is repeated for each of them.

    Required Keys:

        - num_clips
        - imgs, clip_len (for ``rgb``)
        - flow (for ``flow``)
        - audio (for ``audio``)

    Added Keys:

        - rgb: uint8 ``(M, 3, clip_len, H, W)``, without each clip's additional frame
          (``keep_last_frame``: with it)

    Modified Keys:

        - audio: ``(M, ...)``
        - damage: with what the reader has found broken in the file

    Args:
        modalities: Which to format, out of ``rgb``, ``flow`` and ``audio``.
        keep_last_frame: Keep the frame after the last step, for
            ``TriModalDataPreprocessor`` to derive the flow on the device.
    """

    def __init__(
        self,
        modalities: Sequence[str] = ("rgb", "flow", "audio"),
        keep_last_frame: bool = False,
    ) -> None:
        self.modalities = modality_names(modalities)
        self.keep_last_frame = bool(keep_last_frame)

    def transform(self, results: dict) -> dict:
        formatted = {name: FORMATTERS[name](results, self) for name in self.modalities}
        clips = {name: len(value) for name, value in formatted.items()}
        if len(set(clips.values())) > 1:
            raise ValueError(f"modalities differ in their number of clips: {clips}")
        results.update(formatted)
        media = results.pop("media", None)
        if media is not None:
            results.setdefault("damage", []).extend(media.damage)
            media.close()
        return results

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(modalities={self.modalities}, "
            f"keep_last_frame={self.keep_last_frame})"
        )


def _rgb(results: dict, transform: BaseTransform) -> np.ndarray:
    images = np.stack(require(results, "imgs", transform, "LoadFrames"))
    frames = results["clip_len"] + 1
    clips = images.reshape(-1, frames, *images.shape[1:])  # (M, T + 1, H, W, 3)
    if not transform.keep_last_frame:
        clips = clips[:, :-1]
    return np.ascontiguousarray(clips.transpose(0, 4, 1, 2, 3))


def _flow(results: dict, transform: BaseTransform) -> np.ndarray:
    return require(results, "flow", transform, "ComputeFlow")


def _audio(results: dict, transform: BaseTransform) -> np.ndarray:
    audio = require(results, "audio", transform, "LogMel or RawAudio")
    return np.tile(audio, (_crops(results),) + (1,) * (audio.ndim - 1))


def _crops(results: dict) -> int:
    """How many crops of each clip the images or the flow hold; 1 without them."""
    if results.get("imgs"):
        clips = len(results["imgs"]) // (results["clip_len"] + 1)
    else:
        clips = len(results.get("flow", ())) or results["num_clips"]
    return clips // results["num_clips"]


FORMATTERS = {"rgb": _rgb, "flow": _flow, "audio": _audio}
