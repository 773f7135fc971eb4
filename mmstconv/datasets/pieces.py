"""A test pipeline applied to pieces of a long video instead of to clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform
from mmengine.registry import init_default_scope

from mmstconv.disk import is_remote
from mmstconv.media import Media, MediaReader

from .transforms import FetchMedia, FormatClips
from .transforms.roles import role_of
from .transforms.sampling import with_clips

DEFAULTS = {"open": "OpenMedia", "clip": "SampleClips", "format": "FormatClips"}


class PiecePipeline:
    """The transforms of a test pipeline, for windows that overlap.

    A piece of n frames goes through the very transforms of a clip, as a clip of n
    frames: each frame is loaded, resized and cropped, and flow derived, once for all
    windows that it is in. What reads windows of time and not frames (``Role`` with
    ``of_windows``: sound, and modalities of the user's own) runs on each window: bands
    of sound, for one, see zeros beyond the window's ends. It finds in ``results`` what
    a clip has: ``filename``, ``media``, ``clip_starts``, ``frame_times``, ...

    Args:
        pipeline: Configs of transforms: ``OpenMedia``, ``SampleClips``, then those of
            frames and of windows, ``FormatClips`` and ``PackActionInputs``. It must
            treat every frame alike.

    Raises:
        ValueError: The pipeline is none of clips of one file, draws at random, or no
            transform says that it fills one of the modalities.
    """

    def __init__(self, pipeline: Sequence[Mapping]) -> None:
        init_default_scope("mmaction")
        steps = [TRANSFORMS.build(dict(step)) for step in pipeline]
        self.opener = _only(steps, "open")
        self.fetchers = _with_role(steps, "fetch")
        sampling = _only(steps, "clip")
        formatting = _only(steps, "format")
        self.clip_len, self.fps = sampling.clip_len, sampling.fps
        self.duration = self.clip_len / self.fps
        self.modalities = formatting.modalities
        _check_alike(steps)
        inner = steps[steps.index(sampling) + 1 : steps.index(formatting)]
        self.window_steps = [s for s in inner if role_of(s).of_windows]
        self.frame_steps = [s for s in inner if not role_of(s).of_windows]
        if self.frame_steps and not _with_role(self.frame_steps, "frames"):
            raise ValueError("the pipeline has no LoadFrames: it reads no video")
        of_windows, of_frames = map(_filled, (self.window_steps, self.frame_steps))
        _check_filled(self.modalities, of_windows | of_frames)
        #: Modalities of frames: flow of a piece is shared by all windows.
        self.visual = [m for m in self.modalities if m not in of_windows]
        #: Modalities that each window has for itself.
        self.windowed = [m for m in self.modalities if m in of_windows]
        self.sound_loader = next(iter(_with_role(self.window_steps, "sound")), None)

    @property
    def sound_context(self) -> float:
        """Seconds of sound beyond a window, half before and half after."""
        return self.sound_loader.context if self.sound_loader else 0.0

    @property
    def sample_rate(self) -> int:
        """Of the sound; 16000 without any."""
        return self.sound_loader.sample_rate if self.sound_loader else 16000

    def open(self, path: str) -> MediaReader:
        """The file, opened as the pipeline says; one elsewhere is fetched."""
        results = dict(filename=path)
        fetchers = self.fetchers or ([FetchMedia()] if is_remote(path) else [])
        for step in [*fetchers, self.opener]:
            results = step.transform(results)
        return results["media"]

    def times(self, start: float, frames: int) -> np.ndarray:
        """When the frames are shown, and the one after them for the last flow."""
        return start + np.arange(frames + 1) / self.fps

    def frames(
        self, media: Media, times: Sequence[float]
    ) -> tuple[dict[str, np.ndarray], dict[str, bool]]:
        """A piece of n frames from the times of n + 1.

        Returns:
            ``{modality: (M, C, n, H, W)}`` and the presence of those modalities.
        """
        times = np.asarray(times, np.float64)[None]
        results = self._clips(media, times[:, 0], len(times[0]) - 1)
        results["frame_times"] = times
        return self._run(self.frame_steps, results, self.visual)

    def windows(
        self, media: Media, starts: Sequence[float]
    ) -> tuple[dict[str, np.ndarray], dict[str, bool]]:
        """What windows that start at given times have each for itself.

        Returns:
            ``{modality: (windows, ...)}`` and the presence of those modalities.
        """
        starts = np.asarray(starts, np.float64)
        results = self._clips(media, starts, self.clip_len)
        return self._run(self.window_steps, results, self.windowed)

    def _clips(self, media: Media, starts: np.ndarray, frames: int) -> dict:
        """What ``SampleClips`` would say of such clips."""
        results = dict(filename=media.path, media=media)
        with_clips(results, starts, self.times(0.0, frames), frames / self.fps)
        if media.stored_size is not None:
            results["img_shape"] = media.stored_size[::-1]
        return results

    @staticmethod
    def _run(
        steps: Sequence[BaseTransform], results: dict, modalities: Sequence[str]
    ) -> tuple[dict[str, np.ndarray], dict[str, bool]]:
        for step in steps:
            results = step(results)
        del results["media"]  # the formatter would close it
        presence = results.get("presence", {})
        results = FormatClips(modalities)(results) if modalities else results
        return (
            {name: results[name] for name in modalities},
            {name: presence.get(name, True) for name in modalities},
        )


def _with_role(steps: Sequence[BaseTransform], step: str) -> list[BaseTransform]:
    return [one for one in steps if role_of(one).step == step]


def _only(steps: Sequence[BaseTransform], step: str) -> BaseTransform:
    found = _with_role(steps, step)
    if len(found) != 1:
        raise ValueError(
            f"expected a pipeline with one {DEFAULTS[step]}, got "
            f"{[type(one).__name__ for one in steps]}"
        )
    return found[0]


def _filled(steps: Sequence[BaseTransform]) -> set[str]:
    return {name for step in steps for name in role_of(step).modalities}


def _check_alike(steps: Sequence[BaseTransform]) -> None:
    """That all frames are treated alike, whatever clip they are in."""
    at_random = [type(s).__name__ for s in steps if role_of(s).at_random]
    if at_random:
        raise ValueError(
            "expected a test pipeline, which treats all frames alike; "
            f"{at_random[0]} draws at random"
        )
    extracted = [type(s).__name__ for s in steps if hasattr(s, "check_extracted")]
    if extracted:
        raise ValueError(
            f"{' and '.join(extracted)} read what was extracted for whole clips, "
            "not for pieces of a long video: give a pipeline without"
        )


def _check_filled(modalities: Sequence[str], filled: set[str]) -> None:
    for name in modalities:
        if name not in filled:
            raise ValueError(
                f"no transform of the pipeline says that it fills {name!r}: give the "
                f"one that does a class attribute, role = Role(modalities=({name!r},), "
                "of_windows=True) if it reads each window, without of_windows if it "
                "makes it of the frames"
            )
