"""A long video in which an object of the demo data set moves and rests by turns.

The object is always in the picture and the tone always sounds: between the parts of a
timeline, and in those without a motion or a glide, one rests and the other is steady.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from demo_pictures import render_frames_along
from demo_sound import render_sound_along
from demo_spec import Spec, draw_spec

HEIGHT = 64  # pixels of a frame, whose width is at least that
FPS = 8
SAMPLE_RATE = 16000
# A steady tone stays off the ends of the sweep, where gliding ones fade.
STEADY = (0.12, 0.88)

MOTIONS = {"up": -1, "down": 1, "none": 0}
GLIDES = {"rising": 1, "falling": -1, "none": 0}


class Part(NamedTuple):
    """A part of a timeline.

    Args:
        start: In seconds.
        end: In seconds.
        motion: A key of ``MOTIONS``.
        glide: A key of ``GLIDES``.
    """

    start: float
    end: float
    motion: str
    glide: str


def draw_film_spec(rng: np.random.Generator, seconds: float) -> Spec:
    """A clip's spec made into one of a long, small video; colour is drawn as well."""
    spec = draw_spec(rng, 4 * int(rng.integers(2)))
    scale = HEIGHT / spec.height
    return replace(
        spec,
        fps=FPS,
        num_frames=round(seconds * FPS),
        height=HEIGHT,
        width=2 * round(spec.width * scale / 2),
        radius=spec.radius * scale,
        x=spec.x * scale,
        y=spec.y * scale,
        speed=spec.speed * scale,
        grain=spec.grain * scale,
        sample_rate=SAMPLE_RATE,
        channels=1,
    )


def render_film_frames(
    spec: Spec, timeline: Sequence[Part], rng: np.random.Generator
) -> np.ndarray:
    """The pictures of a timeline, whose parts do not overlap.

    Returns:
        RGB, uint8, ``(num_frames, height, width, 3)``.
    """
    seconds = np.arange(spec.num_frames) / spec.fps
    travelled = np.zeros(spec.num_frames)
    for part in timeline:
        elapsed = np.clip(seconds, part.start, part.end) - part.start
        travelled += MOTIONS[part.motion] * spec.speed * elapsed
    return render_frames_along(spec, travelled, rng)


def render_film_sound(
    spec: Spec, timeline: Sequence[Part], rng: np.random.Generator
) -> np.ndarray:
    """The sound of a timeline, whose parts do not overlap.

    A glide begins at the pitch of the steady tone before it and leaves its own after
    it; a part without a glide changes nothing.

    Returns:
        float32 in [-1, 1], ``(channels, samples)``.
    """
    samples = round(spec.duration * spec.sample_rate)
    here = float(np.clip(spec.sweep_start, *STEADY))
    place = np.full(samples, here)
    for part in sorted(timeline):
        if not GLIDES[part.glide]:
            continue
        first, last = (round(t * spec.sample_rate) for t in (part.start, part.end))
        elapsed = np.arange(len(place[first:last])) / spec.sample_rate
        way = (here + GLIDES[part.glide] * elapsed / spec.sweep) % 1
        place[first:last] = way
        if len(way):
            here = float(np.clip(way[-1], *STEADY))
        place[last:] = here
    return render_sound_along(spec, place, rng)
