"""A test pipeline applied to pieces of a long video instead of to clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from mmaction.registry import TRANSFORMS
from mmengine.registry import init_default_scope

from mmstconv.media import MediaReader

from .transforms import FormatClips, LogMel, OpenMedia, RawAudio, SampleClips
from .transforms.loading import LoadFrames, LoadWaveform

_SOUND = (LoadWaveform, LogMel, RawAudio)
_RANDOM = ("RandomResizedCrop", "RandomCrop", "MultiScaleCrop", "Flip", "ColorJitter")


class PiecePipeline:
    """The transforms of a test pipeline, for windows that overlap.

    A piece of n frames goes through the very transforms of a clip, as a clip of n
    frames: each frame is loaded, resized and cropped, and flow derived, once for all
    windows that it is in. The sound of a window is cut and transformed by itself, as
    its frequency bands see zeros beyond the window's ends.

    Args:
        pipeline: Configs of transforms: ``OpenMedia``, ``SampleClips``, then those of
            frames and of sound, ``FormatClips`` and ``PackActionInputs``. It must treat
            every frame alike.

    Raises:
        ValueError: The pipeline is none of clips of one file, or draws at random.
    """

    def __init__(self, pipeline: Sequence[Mapping]) -> None:
        init_default_scope("mmaction")
        steps = [TRANSFORMS.build(dict(step)) for step in pipeline]
        self.opener = _only(steps, OpenMedia)
        sampling = _only(steps, SampleClips)
        self.clip_len, self.fps = sampling.clip_len, sampling.fps
        self.duration = self.clip_len / self.fps
        self.modalities = _only(steps, FormatClips).modalities
        at_random = [s for s in steps if type(s).__name__ in _RANDOM]
        if at_random:
            raise ValueError(
                "expected a test pipeline, which treats all frames alike; "
                f"{type(at_random[0]).__name__} draws at random"
            )
        extracted = [type(s).__name__ for s in steps if hasattr(s, "check_extracted")]
        if extracted:
            raise ValueError(
                f"{' and '.join(extracted)} read what was extracted for whole clips, "
                "not for pieces of a long video: give a pipeline without"
            )
        inner = steps[steps.index(sampling) + 1 :]
        inner = inner[: [isinstance(s, FormatClips) for s in inner].index(True)]
        self.sound_steps = [s for s in inner if isinstance(s, _SOUND)]
        self.frame_steps = [s for s in inner if not isinstance(s, _SOUND)]
        if self.frame_steps and not any(
            isinstance(step, LoadFrames) for step in self.frame_steps
        ):
            raise ValueError("the pipeline has no LoadFrames: it reads no video")
        self.visual = [name for name in self.modalities if name != "audio"]
        self.has_sound = "audio" in self.modalities
        self.format_frames = FormatClips(self.visual) if self.visual else None
        self.format_sound = FormatClips(["audio"])

    @property
    def sound_context(self) -> float:
        """Seconds of sound beyond a window, half before and half after."""
        loaders = [s for s in self.sound_steps if isinstance(s, LoadWaveform)]
        return loaders[0].context if loaders else 0.0

    @property
    def sample_rate(self) -> int:
        """Of the sound; 16000 without any."""
        loaders = [s for s in self.sound_steps if isinstance(s, LoadWaveform)]
        return loaders[0].sample_rate if loaders else 16000

    def open(self, path: str) -> MediaReader:
        """The file, opened as the pipeline says."""
        return self.opener.transform(dict(filename=path))["media"]

    def times(self, start: float, frames: int) -> np.ndarray:
        """When the frames are shown, and the one after them for the last flow."""
        return start + np.arange(frames + 1) / self.fps

    def frames(
        self, media: MediaReader, times: Sequence[float]
    ) -> tuple[dict[str, np.ndarray], dict[str, bool]]:
        """A piece of n frames from the times of n + 1.

        Returns:
            ``{modality: (M, C, n, H, W)}`` and the presence of those modalities.
        """
        count = len(times) - 1
        results = dict(
            media=media,
            frame_times=np.asarray(times, np.float64)[None],
            clip_starts=np.asarray(times[:1], np.float64),
            clip_duration=count / self.fps,
            clip_len=count,
            num_clips=1,
        )
        if media.stored_size is not None:
            results["img_shape"] = media.stored_size[::-1]
        for step in self.frame_steps:
            results = step(results)
        del results["media"]  # the formatter would close it
        results = self.format_frames(results)
        return {name: results[name] for name in self.visual}, results["presence"]

    def sound(
        self, media: MediaReader, starts: Sequence[float]
    ) -> tuple[np.ndarray, dict[str, bool]]:
        """The sound of windows that start at given times.

        Returns:
            ``(windows, ...)`` and the presence of sound.
        """
        results = dict(
            media=media,
            clip_starts=np.asarray(starts, np.float64),
            clip_duration=self.duration,
            clip_len=self.clip_len,
            num_clips=len(starts),
        )
        for step in self.sound_steps:
            results = step(results)
        del results["media"]
        results = self.format_sound(results)
        return results["audio"], results["presence"]


def _only(steps: Sequence, kind: type):
    found = [step for step in steps if isinstance(step, kind)]
    if len(found) != 1:
        raise ValueError(
            f"expected a pipeline with one {kind.__name__}, got "
            f"{[type(step).__name__ for step in steps]}"
        )
    return found[0]
