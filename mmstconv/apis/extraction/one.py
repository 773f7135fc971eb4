"""Extracts from one video, in a process that may die of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...datasets.bad_samples import is_of_the_sample, reason_of
from ...disk import own_file, own_folder
from ...media import MediaError, MediaReader, open_media
from .form import ExtractedForm
from .pictures import write_images
from .places import Place
from .sound import audio_feature


class Outcome(NamedTuple):
    """What came of a video.

    Args:
        source: Size and time of change of the video, before it was read.
        frames: Number of them.
        has_images: Whether there is a folder of images.
        has_sound: Whether a feature was written.
        reason: Why it failed; empty if it did not.
        damage: What was found broken in a video that was used all the same.
        ends_run: Whether others would fail for the same reason.
    """

    source: list[int] | None
    frames: int = 0
    has_images: bool = False
    has_sound: bool = False
    reason: str = ""
    damage: tuple[str, ...] = ()
    ends_run: bool = False


def extract_one(
    place: Place, out: Path, form: ExtractedForm, timeout: float | None
) -> Outcome:
    """Extracts from one video; an error is part of the outcome.

    Args:
        place: The video, and where its files go.
        out: The folder that knows what was written here.
        form: What to extract.
        timeout: Seconds that each read may take.
    """
    source = None
    try:
        found = os.stat(place.source)
        source = [found.st_size, found.st_mtime_ns]
        with open_media(place.source, timeout=timeout) as media:
            frames, has_images = 0, form.has_images and media.has_video
            if has_images:
                with own_folder(place.images, out) as part:
                    frames = write_images(media, part, form)
            has_sound = "audio" in form.kinds and media.has_audio
            if has_sound:
                _write_sound(media, place.feature, out)
            if not has_images and not has_sound:
                kinds = " or ".join(form.kinds)
                raise MediaError(os.fspath(place.source), f"has no {kinds}")
            return Outcome(source, frames, has_images, has_sound, damage=media.damage)
    except Exception as error:
        if not isinstance(error, (OSError, MediaError)):
            raise
        reason = reason_of(error, os.fspath(place.source))
        return Outcome(source, reason=reason, ends_run=not is_of_the_sample(error))


def _write_sound(media: MediaReader, path: Path, out: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with own_file(path, out) as part, part.open("wb") as file:
        np.save(file, audio_feature(media), allow_pickle=False)
