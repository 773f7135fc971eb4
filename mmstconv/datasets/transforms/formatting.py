"""Bringing all modalities to the shapes the model takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from .checks import modality_names, require
from .stock import SAMPLERS, frames_per_clip, is_stock


@TRANSFORMS.register_module()
class FormatClips(BaseTransform):
    """Puts each modality under its own key, all with the same clips in one order.

    The first dimension ``M`` counts crops and clips, crops outermost, as MMAction2's
    ``FormatShape`` does. Sound has no crops: it is repeated for each of them.

    A single modality is also put where ``PackActionInputs`` finds it without
    ``collect_keys``: then it packs the one tensor that MMAction2's recognizers take.

    Required Keys:

        - num_clips
        - imgs, clip_len (for ``rgb``)
        - flow (for ``flow``)
        - audio (for ``audio``)

    Added Keys:

        - rgb: uint8 ``(M, 3, clip_len, H, W)``, without each clip's additional frame
          (``keep_last_frame``: with it)
        - imgs, if the only modality is ``rgb`` or ``flow``: the same as under its name
        - audios, if it is ``audio``: ``(M, 1, L, bands)``, as ``FormatAudioShape`` has
          it for ``RecognizerAudio``

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
        results = {
            **results,
            **formatted,
        }  # the frames as they were stay with the caller
        if len(formatted) == 1:
            results.pop("imgs", None)
            results.update(_stock(*formatted.items()))
        media = results.pop("media", None)
        if media is not None:
            noted = results.setdefault("damage", [])
            noted += [what for what in media.damage if what not in noted]
            media.close()
        return results

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(modalities={self.modalities}, "
            f"keep_last_frame={self.keep_last_frame})"
        )


def _stock(item: tuple[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The key that ``PackActionInputs`` looks for, and what a recognizer expects."""
    name, clips = item
    if name == "audio":
        return dict(audios=clips[:, None].swapaxes(2, 3))  # (M, 1, L, bands)
    return dict(imgs=clips)


def _rgb(results: dict, transform: BaseTransform) -> np.ndarray:
    loader = "LoadFrames or a decoder of MMAction2"
    images = np.stack(require(results, "imgs", transform, loader))
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


def _flow(results: dict, transform: BaseTransform) -> np.ndarray:
    return require(results, "flow", transform, "ComputeFlow")


def _audio(results: dict, transform: BaseTransform) -> np.ndarray:
    audio = require(results, "audio", transform, "LogMel or RawAudio")
    return np.tile(audio, (_crops(results, transform),) + (1,) * (audio.ndim - 1))


def _crops(results: dict, transform: BaseTransform) -> int:
    """How many crops of each clip the images or the flow hold; 1 without them."""
    num_clips = require(results, "num_clips", transform, SAMPLERS)
    if results.get("imgs"):
        clips = len(results["imgs"]) // frames_per_clip(results, transform)
    else:
        clips = len(results.get("flow", ())) or num_clips
    return clips // num_clips


FORMATTERS = {"rgb": _rgb, "flow": _flow, "audio": _audio}
