"""What is said of generated clips, and what one modality cannot know of it.

An object moves and a tone glides, again and again, one right after the other and then
a pause of both their lengths; the clip begins anywhere in this cycle. So each of the
two has four places in the cycle, and which of them comes first is told by neither
alone: of either one's two places, each goes with either order as often. Every other
slot of the sentence is a fair coin of its own. A model of some modalities can do no
better than :func:`bound`, and its answers are as right as before when what it cannot
know is :func:`redrawn`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import compress, product
from typing import NamedTuple

import numpy as np
from demo_timeline import Part

NONE = "none"
#: The words of each slot of a sentence, in its order.
SLOTS = {
    "colour": ("warm", "cool"),
    "shape": ("bar", "ring"),
    "direction": ("up", "down"),
    "order": ("before", "after"),
    "glide": ("rising", "falling"),
}
#: The modalities that a slot needs: one of each of these groups.
NEEDS = {
    "colour": [("rgb",)],
    "shape": [("rgb", "flow")],
    "direction": [("rgb", "flow")],
    "order": [("rgb", "flow"), ("audio",)],
    "glide": [("audio",)],
}
#: Words that say something of the sound.
OF_SOUND = ("before", "after", "rising", "falling", "tone", "sounds")
#: Slots that are told by what is seen in a second.
OF_PICTURES = ("colour", "shape", "direction")
LENGTH = 0.75  # seconds of a motion, and of a glide
CYCLE = 4 * LENGTH
#: Seconds of a clip; from 6 lengths on it holds a motion and the tone beside it.
SECONDS = (4.5, 5.0, 5.5, 6.0)
SILENT = 1 / 8  # of the files have no sound track


class Clip(NamedTuple):
    """What is decided about a clip.

    Args:
        words: The word of each slot, those of sound as well if it has none.
        seconds: It lasts.
        motion: When a motion begins in the cycle.
        silent: It has no sound track.
        drawn: Number that textures, places and noise are drawn from; clips of one
            number look alike where their words of pictures are the same and sound
            alike where those of sound are.
    """

    words: Mapping[str, str]
    seconds: float
    motion: float
    silent: bool
    drawn: int

    @property
    def tone(self) -> float:
        """When a glide begins in the cycle."""
        step = LENGTH if self.words["order"] == "before" else -LENGTH
        return (self.motion + step) % CYCLE

    @property
    def seen(self) -> str:
        """The words of pictures alone."""
        return " ".join(self.words[slot] for slot in OF_PICTURES)

    @property
    def sentence(self) -> str:
        seen = "a {colour} {shape} moves {direction}".format(**self.words)
        if self.silent:
            return seen
        return seen + " {order} a {glide} tone sounds".format(**self.words)

    def parts(self) -> list[Part]:
        """Motions and glides, by time; those at the ends may be cut."""
        motion = (self.words["direction"], NONE)
        parts = []
        for first, what in (
            (self.motion, motion),
            (self.tone, (NONE, self.words["glide"])),
        ):
            starts = np.arange(first - CYCLE, self.seconds, CYCLE)
            parts += [Part(float(t), float(t) + LENGTH, *what) for t in starts]
        return sorted(part for part in parts if part.end > 0)


def draw_clips(rng: np.random.Generator, count: int) -> list[Clip]:
    """Clips that are independent of each other."""
    return [
        Clip(
            {slot: str(rng.choice(words)) for slot, words in SLOTS.items()},
            float(rng.choice(SECONDS)),
            float(rng.uniform(0, CYCLE)),
            bool(rng.uniform() < SILENT),
            number,
        )
        for number in range(count)
    ]


def draw_motions(rng: np.random.Generator, count: int) -> list[Clip]:
    """Clips of a second without sound, most of one motion in each."""
    return [
        clip._replace(
            seconds=1.0, motion=float(rng.uniform(-0.25, 0.5)) % CYCLE, silent=True
        )
        for clip in draw_clips(rng, count)
    ]


#: Slots of a clip that change from one sibling to another; the phase is where in the
#: cycle the motion is.
FLIPS = [
    tuple(compress((*OF_PICTURES, "phase", "order", "glide"), flags))
    for flags in product((False, True), repeat=6)
]


def draw_siblings(rng: np.random.Generator, groups: int) -> list[Clip]:
    """Groups of 72 clips for a test in which chance has little to say.

    Sixteen pictures with each of four sounds, and eight of the pictures without. What
    a modality cannot know differs among files that are the same to it, each value as
    often, whatever words come before it in the sentence: it is right in just half of
    them whatever it says.
    """
    clips = []
    for number, first in enumerate(draw_clips(rng, groups)):
        for k, flips in enumerate(FLIPS):
            clip = _flipped(first, flips)._replace(silent=False, drawn=number)
            clips.append(clip)
            if k % 8 == 0:
                clips.append(clip._replace(silent=True))
    return clips


def _flipped(clip: Clip, flips: Sequence[str]) -> Clip:
    """A clip with the other word in some slots.

    Half a cycle later the motion comes after a tone that is where it was.
    """
    flips = set(flips)
    motion = clip.motion
    if "phase" in flips:
        motion = (motion + CYCLE / 2) % CYCLE
        flips ^= {"order"}
    words = {
        slot: one if slot not in flips else next(w for w in SLOTS[slot] if w != one)
        for slot, one in clip.words.items()
    }
    return clip._replace(words=words, motion=motion)


def known(subset: str) -> list[str]:
    """The slots that modalities can know.

    Args:
        subset: Such as ``'rgb+flow'``, or ``'none'``.
    """
    here = set(subset.split("+"))
    return [
        slot
        for slot, groups in NEEDS.items()
        if all(here.intersection(group) for group in groups)
    ]


def bound(subset: str) -> float:
    """Share of whole sentences that modalities can reach: a half for each unknown."""
    return 0.5 ** (len(SLOTS) - len(known(subset)))


def redrawn(
    truths: Sequence[Mapping[str, str]], subset: str, rng: np.random.Generator
) -> list[dict[str, str]]:
    """Other truths, as likely as these, of clips that modalities perceive the same.

    Truths that are alike in what modalities know change places.

    Args:
        truths: The word of each slot, of each clip.
        subset: Modalities, such as ``'audio'``.
        rng: Of the permutations.
    """
    groups: dict[tuple, list[int]] = {}
    for row, truth in enumerate(truths):
        groups.setdefault(tuple(truth[slot] for slot in known(subset)), []).append(row)
    new: list[dict[str, str]] = [{}] * len(truths)
    for rows in groups.values():
        for row, other in zip(rows, rng.permutation(rows)):
            new[row] = dict(truths[other])
    return new
