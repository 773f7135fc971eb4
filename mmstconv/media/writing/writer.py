"""Writing media files: frames with their own time stamps, sound with its own start."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from .write_options import CONTAINERS, SoundCoding, VideoCoding


def write_media(
    path: str | os.PathLike,
    frames: Iterable[np.ndarray] | None = None,
    fps: float | Fraction | None = None,
    waveform: np.ndarray | None = None,
    sample_rate: int | None = None,
    *,
    frame_times: Sequence[float] | None = None,
    audio_offset: float = 0.0,
    video: VideoCoding | None = None,
    sound: SoundCoding | None = None,
    container_options: Mapping[str, str] | None = None,
    record: str | os.PathLike | None = None,
) -> Path:
    """Encodes frames and sound into one file.

    The file appears under its name only when it is whole: it is written beside it and
    then moved. A file that is there is replaced only if it was written here. The same
    input gives the same bytes.

    Args:
        path: Target; the suffix chooses the container (see
            ``write_options.CONTAINERS``).
        frames: RGB images, uint8, ``(H, W, 3)``, all of one size; may be a generator.
        fps: Constant frame rate. Exactly one of ``fps`` and ``frame_times`` is given
            with ``frames``.
        waveform: Sound in [-1, 1], ``(samples,)`` or ``(channels, samples)``.
        sample_rate: Of ``waveform``, in Hz.
        frame_times: Time of each frame in seconds, rising: a variable frame rate, or a
            video that starts late.
        audio_offset: When the sound begins, in seconds.
        video: How frames are encoded; None is ``VideoCoding()``, H.264.
        sound: How sound is encoded; None is ``SoundCoding()``, AAC.
        container_options: Options of the muxer.
        record: Folder that knows what was written here; None: the file's own.

    Returns:
        The path written.

    Raises:
        ValueError: If an argument does not fit the others.
        ForeignFile: If there is a file that was not written here.

    Example:
        >>> frames = np.zeros((50, 64, 64, 3), np.uint8)
        >>> tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(32000) / 16000)
        >>> write_media("clip.mp4", frames, 25, tone, 16000)
    """
    # Not imported above: whoever only reads needs neither.
    from ...disk import own_file
    from .encoding import add_sound, add_video, interleave, open_container

    path = Path(path)
    suffix = path.suffix.lower()
    _check(path, frames, fps, waveform, sample_rate, frame_times)
    with own_file(path, record) as part:
        with open_container(part, suffix, container_options) as container:
            # All streams exist before the first packet: encoding writes the header.
            streams = []
            if frames is not None:
                video = video or VideoCoding()
                streams.append(add_video(container, frames, fps, frame_times, video))
            if waveform is not None:
                samples = np.atleast_2d(np.asarray(waveform, np.float32))
                sound = sound or SoundCoding()
                streams.append(
                    add_sound(container, samples, int(sample_rate), audio_offset, sound)
                )
            for packet in interleave(*streams):
                container.mux(packet)
    return path


def _check(path: Path, frames, fps, waveform, sample_rate, frame_times) -> None:
    """Raises unless the arguments of :func:`write_media` fit one another."""
    if path.suffix.lower() not in CONTAINERS:
        raise ValueError(
            f"cannot tell the container of '{path}': its suffix must be one of "
            f"{sorted(CONTAINERS)}"
        )
    if frames is None and waveform is None:
        raise ValueError("write_media needs frames, a waveform, or both")
    if frames is not None and (fps is None) == (frame_times is None):
        raise ValueError("write_media needs exactly one of fps and frame_times")
    if waveform is not None and not sample_rate:
        raise ValueError("write_media needs the sample_rate of the waveform")
