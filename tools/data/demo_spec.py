"""What is decided about a clip of the demo data set before it is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SHAPES = ("disc", "ring", "square", "bar", "cross")


@dataclass(frozen=True)
class Spec:
    """All that is decided about one clip, but for its textures and noise."""

    colour: int
    motion: int
    glide: int
    # time
    fps: int
    num_frames: int
    # picture; lengths in pixels unless said otherwise
    height: int
    width: int
    shape: str
    radius: float  # the object takes 2 * radius
    angle: float
    x: float  # centre of the object
    y: float  # centre in the first frame
    speed: float  # pixels a second
    chroma: float
    luma: float
    texture: float  # amplitude of the object's texture, in luma
    background: str  # "plain", "noise" or "photo"
    background_luma: float
    background_contrast: float
    grain: float  # noise of each frame, in luma
    # sound
    sample_rate: int
    channels: int
    level: float  # root mean square in dB of full scale
    pan: float
    base_pitch: float  # lowest pitch in Hz
    octaves: float  # range of one sweep
    sweep: float  # seconds a sweep takes
    sweep_start: float  # where in the sweep the sound begins, in [0, 1)
    rolloff: float  # amplitude of harmonic k is k ** -rolloff
    snr: float  # tone over background noise in dB
    noise_slope: float  # its power falls as frequency ** -noise_slope

    @property
    def label(self) -> int:
        return self.colour * 4 + self.motion * 2 + self.glide

    @property
    def duration(self) -> float:
        return self.num_frames / self.fps


def draw_spec(rng: np.random.Generator, label: int) -> Spec:
    """Draws the nuisances; which ones does not depend on the label."""
    fps = int(rng.choice([24, 25, 30]))
    height = int(rng.choice([96, 104, 112]))
    width = int(rng.choice([w for w in (96, 104, 112, 120, 128) if w >= height]))
    radius = height * rng.uniform(0.15, 0.225)
    reach = height / 2 - radius  # a centred square crop keeps the whole object
    background = str(rng.choice(["plain", "noise", "photo"]))
    return Spec(
        colour=label // 4,
        motion=label // 2 % 2,
        glide=label % 2,
        fps=fps,
        num_frames=round(fps * rng.uniform(1.5, 3.0)),
        height=height,
        width=width,
        shape=str(rng.choice(SHAPES)),
        radius=radius,
        angle=rng.uniform(0, 2 * np.pi),
        x=width / 2 + rng.uniform(-reach, reach),
        y=rng.uniform(0, height),
        speed=height * rng.uniform(0.25, 0.45),
        chroma=rng.uniform(26, 34),
        luma=rng.uniform(100, 155),
        texture=rng.uniform(15, 30),
        background=background,
        background_luma=rng.uniform(90, 165),
        background_contrast=rng.uniform(8, 30),
        grain=rng.uniform(0.5, 4),
        sample_rate=int(rng.choice([16000, 44100, 48000], p=[0.5, 0.25, 0.25])),
        channels=int(rng.choice([1, 2])),
        level=rng.uniform(-28, -14),
        pan=rng.uniform(0.2, 0.8),
        base_pitch=200 * 2 ** rng.uniform(0, 1),
        octaves=rng.uniform(1.5, 2),
        sweep=rng.uniform(0.4, 0.7),
        sweep_start=rng.uniform(),
        rolloff=rng.uniform(0.5, 1.5),
        snr=rng.uniform(15, 30),
        noise_slope=rng.uniform(0, 1.5),
    )
