"""A digit that turns left or right, a glide that says which, and what it is worth.

The digit moves along an arc through the seen frames and :data:`STEADY` further ones,
then turns by a quarter and goes straight on. The arc bends to either side, whatever the
turn; as it bends, the last motion seen is not the next one. The glide is heard during
the seen frames: rising before a turn to the left, falling before one to the right. All
the rest is drawn independently of the turn, and both turns stay within the picture, so
nothing that is seen tells it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

SIDE = 64  # pixels of a frame
FPS = 8
SEEN, FUTURE = 8, 8  # frames
STEADY = 2  # frames to come before the turn shows
SAMPLE_RATE = 16000
TURNS = {"left": -1, "right": 1}  # of the heading, in quarters; y points down
SCALE = (2.2, 2.8)  # of the digits of 8 x 8 pixels
SPEED = (2.0, 3.0)  # pixels a frame
BEND = (0.10, 0.20)  # radians a frame, to either side, of the arc
HELD_OUT = 1200  # of the 1797 digits, those from here on are not trained with


class Turn(NamedTuple):
    """All that is decided about a film, but for phases and noise.

    Args:
        digit: Number of scikit-learn's image.
        colour: Red, green and blue of its brightest pixels, in 0..1.
        scale: Pixels of a frame for a pixel of the image.
        x: Of the centre in the first frame.
        y: Of the centre in the first frame.
        heading: In the first frame, in radians from x to y.
        bend: Of the heading before the turn, in radians a frame.
        speed: Pixels a frame.
        turn: A key of ``TURNS``.
        pitch: Hz of the tone between its two ends.
        octaves: That it glides through.
        begin: Of the glide in seconds.
        end: Of the glide in seconds, within the seen part.
        level: Root mean square in dB of full scale.
        snr: Of the tone over the noise in dB.
    """

    digit: int
    colour: tuple[float, float, float]
    scale: float
    x: float
    y: float
    heading: float
    bend: float
    speed: float
    turn: str
    pitch: float
    octaves: float
    begin: float
    end: float
    level: float
    snr: float

    @property
    def other(self) -> Turn:
        """The same film with the other turn, and the glide that says so."""
        return self._replace(turn="right" if self.turn == "left" else "left")


def draw_turn(rng: np.random.Generator, held_out: bool) -> Turn:
    """Draws a film.

    Args:
        rng: Of all that is drawn.
        held_out: Take a digit that is not trained with.
    """
    digits = (HELD_OUT, len(digit_images())) if held_out else (0, HELD_OUT)
    colour = rng.uniform(0.3, 1.0, 3)
    colour[rng.integers(3)] = 1.0
    seconds = SEEN / FPS
    begin = rng.uniform(0, 0.3) * seconds
    drawn = Turn(
        digit=int(rng.integers(*digits)),
        colour=tuple(colour.tolist()),
        scale=rng.uniform(*SCALE),
        x=0.0,
        y=0.0,
        heading=rng.uniform(0, 2 * np.pi),
        bend=float(rng.choice([-1, 1]) * rng.uniform(*BEND)),
        speed=rng.uniform(*SPEED),
        turn=str(rng.choice(list(TURNS))),
        pitch=float(np.exp(rng.uniform(np.log(400), np.log(1600)))),
        octaves=rng.uniform(0.8, 1.6),
        begin=begin,
        end=begin + rng.uniform(0.5, 0.7) * seconds,
        level=rng.uniform(-26, -12),
        snr=rng.uniform(10, 30),
    )
    # of all starts from which both ways stay inside, each is as likely
    ways = np.concatenate([path_of(drawn), path_of(drawn.other)])
    margin = 4 * drawn.scale
    low, high = margin - ways.min(0), SIDE - margin - ways.max(0)
    if np.any(low > high):
        return draw_turn(rng, held_out)
    x, y = rng.uniform(low, high)
    return drawn._replace(x=float(x), y=float(y))


def path_of(film: Turn) -> np.ndarray:
    """Centre of the digit in each frame, x and y, ``(SEEN + FUTURE, 2)``."""
    steps = np.arange(SEEN + FUTURE - 1)  # from each frame to the next
    last = SEEN + STEADY - 1  # the last frame on the arc
    headings = film.heading + film.bend * np.minimum(steps, last)
    headings[last:] += TURNS[film.turn] * np.pi / 2
    ways = film.speed * np.stack([np.cos(headings), np.sin(headings)], 1)
    return np.array([film.x, film.y]) + np.concatenate([[[0, 0]], ways.cumsum(0)])


def render_frames(film: Turn) -> np.ndarray:
    """The pictures, RGB, uint8 ``(SEEN + FUTURE, SIDE, SIDE, 3)``."""
    image = digit_images()[film.digit]
    frames = []
    for x, y in path_of(film):
        # the centre of the image of 8 x 8 pixels comes to (x, y)
        place = np.array(
            [
                [film.scale, 0, x - 0.5 - 3.5 * film.scale],
                [0, film.scale, y - 0.5 - 3.5 * film.scale],
            ]
        )
        drawn = cv2.warpAffine(image, place, (SIDE, SIDE), flags=cv2.INTER_CUBIC)
        drawn = np.clip(drawn, 0, 1)[..., None] * np.array(film.colour)
        frames.append(np.rint(255 * drawn).astype(np.uint8))
    return np.stack(frames)


def render_sound(film: Turn, rng: np.random.Generator) -> np.ndarray:
    """A tone that glides once over noise, float32 in [-1, 1], ``(1, samples)``."""
    samples = round((SEEN + FUTURE) / FPS * SAMPLE_RATE)
    seconds = np.arange(samples) / SAMPLE_RATE
    way = np.clip((seconds - film.begin) / (film.end - film.begin), 0, 1) - 0.5
    rising = -TURNS[film.turn]
    pitch = film.pitch * 2 ** (rising * film.octaves * way)
    phase = 2 * np.pi * (np.cumsum(pitch) / SAMPLE_RATE + rng.uniform())
    tone = np.sin(phase) + 0.5 * np.sin(2 * phase + rng.uniform(0, 2 * np.pi))
    # what is heard of the tone after its glide would say the same: it ends there
    edge = np.minimum(seconds, film.end + 0.05 - seconds) / 0.05
    tone *= np.sin(np.pi / 2 * np.clip(edge, 0, 1)) ** 2
    noise = rng.standard_normal(samples) * 10 ** (-film.snr / 20)
    sound = 10 ** (film.level / 20) * (tone / np.sqrt(0.625) + noise)
    return np.clip(sound, -1, 1).astype(np.float32)[None]


def bound_of(film: Turn) -> np.ndarray:
    """Least expected squared error of a forecast that cannot know the turn.

    Both futures are as likely, so the best forecast is their mean, and its error that
    of the one that comes: a quarter of their squared distance. A forecast that is not
    their mean errs more, on average over the two.

    Returns:
        For each frame to come the sum over pixels and channels in 0..1, ``(FUTURE,)``.
    """
    ways = [render_frames(one)[SEEN:].astype(np.float64) / 255 for one in
            (film, film.other)]  # fmt: skip
    return ((ways[0] - ways[1]) ** 2).sum((1, 2, 3)) / 4


def redrawn(truths: Sequence, rng: np.random.Generator) -> list:
    """Other truths, as likely as these, of films that look the same.

    Args:
        truths: Of films that come in pairs which differ in the turn alone.
        rng: Of the draws.
    """
    result = []
    for first, second in zip(truths[::2], truths[1::2]):
        pair = (first, second)
        result += [pair[k] for k in rng.integers(2, size=2)]
    return result


@lru_cache(maxsize=1)
def digit_images() -> np.ndarray:
    """scikit-learn's 1797 digits, float32 in 0..1, ``(1797, 8, 8)``."""
    from sklearn.datasets import load_digits

    return (load_digits().images / 16).astype(np.float32)
