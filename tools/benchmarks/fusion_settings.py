"""Samples of which the truth is known: who carries the class, and how much of it.

The clips are those of ``tools/data/make_demo_dataset.py``: colour is only in RGB,
motion in the flow, the glide in the sound. Here the three inputs of a sample come from
three clips that have nothing else in common, so each modality carries one bit, and a
setting decides what the bits say about the class.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from mmstconv.datasets.transforms import ComputeFlow, LogMel

sys.path.append(str(Path(__file__).resolve().parents[1] / "data"))
from demo_pictures import render_frames
from demo_sound import render_sound
from demo_spec import draw_spec

MODALITIES = ("rgb", "flow", "audio")
FPS, STEPS, SIZE = 8, 8, 32  # 8 steps of 1/8 s at 32 x 32 pixels
RATE, BANDS, HOP = 16000, 32, 640
SHORTCUT = 0.95  # how often the shortcut of setting c agrees with the class in training


@dataclass(frozen=True)
class Drawn:
    """Samples as bits: ``bits`` and ``present`` ``{modality: (N,)}``, ``labels``."""

    bits: dict[str, np.ndarray]
    labels: np.ndarray
    present: dict[str, np.ndarray]


@dataclass(frozen=True)
class Setting:
    """One question."""

    title: str
    alone: dict[str, float]  # accuracies of one who reads a single modality
    draw: Callable[[str, int, np.random.Generator], Drawn]
    classes: int = 2
    bound: float = 1.0  # of one who reads all and knows how the test set was made
    faint: bool = False  # the sound is deep in noise, hard to learn from
    warm: bool = False  # streams start from ones that have learned their own bit
    times: int = 1  # of the steps
    more: int = 1  # times the samples of training

    @property
    def streams(self) -> tuple[str, ...]:
        return tuple(self.alone)


def balanced(count: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """``count`` bits ``(count, size)``: all combinations, equally often."""
    combinations = np.array(list(product((0, 1), repeat=count)))
    if size % len(combinations):
        raise ValueError(f"size must be a multiple of {len(combinations)}, got {size}")
    rows = np.tile(combinations, (size // len(combinations), 1))
    return rng.permutation(rows).T


def drawn_of(labels: np.ndarray, here: np.ndarray | bool = True, **bits) -> Drawn:
    """Samples that have everything, or no sound where ``here`` is false."""
    present = {name: np.ones(len(labels), bool) for name in bits}
    if "audio" in bits:
        present["audio"] &= here
    return Drawn(bits, labels, present)


def draw_noise(split: str, size: int, rng: np.random.Generator) -> Drawn:
    """The class is the sound's bit; pictures and flow are independent of it."""
    rgb, flow, audio = balanced(3, size, rng)
    return drawn_of(audio, rgb=rgb, flow=flow, audio=audio)


def draw_complementary(split: str, size: int, rng: np.random.Generator) -> Drawn:
    """The class is all three bits."""
    rgb, flow, audio = balanced(3, size, rng)
    return drawn_of(4 * rgb + 2 * flow + audio, rgb=rgb, flow=flow, audio=audio)


def draw_shortcut(split: str, size: int, rng: np.random.Generator) -> Drawn:
    """The class is the sound's bit; in training RGB mostly says the same."""
    audio, rgb = balanced(2, size, rng)
    if split == "train":
        rgb = audio.copy()
        for value in (0, 1):
            rows = np.flatnonzero(audio == value)
            rgb[rows[: round((1 - SHORTCUT) * len(rows))]] ^= 1
    return drawn_of(audio, rgb=rgb, audio=audio)


def draw_missing(split: str, size: int, rng: np.random.Generator) -> Drawn:
    """All three bits; half of the samples of every class have no sound."""
    rgb, flow, audio, here = balanced(4, size, rng)
    labels = 4 * rgb + 2 * flow + audio
    return drawn_of(labels, here.astype(bool), rgb=rgb, flow=flow, audio=audio)


def draw_xor(split: str, size: int, rng: np.random.Generator) -> Drawn:
    """The class is whether the bits of RGB and sound differ."""
    rgb, audio = balanced(2, size, rng)
    return drawn_of(rgb ^ audio, rgb=rgb, audio=audio)


SETTINGS = {
    "noise": Setting(
        "a: sound knows the class, RGB and flow are noise",
        dict(rgb=0.5, flow=0.5, audio=1.0),
        draw_noise,
        faint=True,
    ),
    "complementary": Setting(
        "b: each modality knows a third",
        dict(rgb=0.25, flow=0.25, audio=0.25),
        draw_complementary,
        classes=8,
    ),
    "shortcut": Setting(
        "c: RGB is easy and right in 95 % of training, in half of the test",
        dict(rgb=0.5, audio=1.0),
        draw_shortcut,
        faint=True,
    ),
    "missing": Setting(
        "d: as b, half of all samples have no sound",
        dict(rgb=0.25, flow=0.25, audio=0.1875),
        draw_missing,
        classes=8,
        bound=0.75,
    ),
    "xor": Setting(
        "e: XOR of RGB and sound, streams know their bits at the start",
        dict(rgb=0.5, audio=0.5),
        draw_xor,
        warm=True,
    ),
    # Neither bit helps before the other is known: long, of few repetitions.
    "xor-scratch": Setting(
        "e, streams from scratch", dict(rgb=0.5, audio=0.5), draw_xor, times=2, more=8
    ),
}


def own_bit(stream: str) -> Setting:
    """The class is the bit of the only stream."""

    def draw(split: str, size: int, rng: np.random.Generator) -> Drawn:
        (bits,) = balanced(1, size, rng)
        return drawn_of(bits, **{stream: bits})

    return Setting(f"the bit of {stream}", {stream: 1.0}, draw)


class Pool:
    """Clips of each split, as many as ``sizes`` says, multiples of 8.

    ``inputs[split]`` ``{modality: (P, ...)}`` and ``bits[split]`` ``{modality: (P,)}``.
    """

    def __init__(self, sizes: dict[str, int]) -> None:
        self.sizes, self.inputs, self.bits = sizes, {}, {}
        for row, (split, size) in enumerate(sizes.items()):
            rng = np.random.default_rng([0, row])
            bits = balanced(3, size, rng)
            clips = [make_inputs(rng, *one) for one in bits.T]
            self.bits[split] = dict(zip(MODALITIES, bits))
            self.inputs[split] = {
                name: torch.stack([clip[name] for clip in clips]) for name in clips[0]
            }

    def pick(self, split: str, drawn: Drawn, rng: np.random.Generator) -> dict:
        """A clip for each sample and modality, ``{modality: (N,)}``, evenly often."""
        picked = {}
        for name, bits in drawn.bits.items():
            picked[name] = np.empty(len(bits), int)
            for bit in (0, 1):
                rows = np.flatnonzero(bits == bit)
                clips = rng.permutation(np.flatnonzero(self.bits[split][name] == bit))
                picked[name][rows] = rng.permutation(np.resize(clips, len(rows)))
        return picked


def make_inputs(
    rng: np.random.Generator, colour: int, motion: int, glide: int
) -> dict[str, Tensor]:
    """One clip of the generator as inputs: the modalities', and the faint sound."""
    spec = draw_spec(rng, 4 * colour + 2 * motion + glide)
    spec = replace(spec, fps=FPS, num_frames=STEPS + 1, sample_rate=RATE, channels=1)
    left = (spec.width - spec.height) // 2
    frames = render_frames(spec, rng)[:, :, left : left + spec.height]
    size = (SIZE, SIZE)
    images = [cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in frames]
    results = dict(imgs=images, num_clips=1, clip_len=STEPS, presence=dict(flow=True))
    results["frame_times"] = np.arange(STEPS + 1)[None] / FPS
    flow = ComputeFlow("dis").transform(results)["flow"][0]
    rgb = torch.from_numpy(np.stack(images[:-1])).permute(3, 0, 1, 2)
    # 15..30 dB become -12.5..-7.5 dB
    faint = replace(spec, snr=spec.snr / 3 - 17.5)
    return dict(
        rgb=(rgb.float() - 115) / 57,  # (3, T, H, W)
        flow=torch.from_numpy(flow),  # (2, T, H, W), in pixels
        audio=log_mel(render_sound(spec, rng)),  # (bands, L)
        faint=log_mel(render_sound(faint, rng)),
    )


def log_mel(sound: np.ndarray) -> Tensor:
    results = dict(waveform=np.ascontiguousarray(sound), sample_rate=RATE)
    results = LogMel(n_mels=BANDS, n_fft=1024, hop_length=HOP).transform(results)
    return (torch.from_numpy(results["audio"][0]) + 8) / 5
