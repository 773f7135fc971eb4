"""The drawn clips and sounds that backbones are compared on (backbones.py)."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import torch

import mmstconv  # noqa: F401
from mmstconv.datasets.transforms import LogMel

SIZE, STEPS, BATCH = 48, 8, 32
KINDS = 4  # shapes, motions, timbres and courses are four each


def texture(rng: np.random.Generator, size: int, grain: int) -> np.ndarray:
    small = rng.uniform(0, 255, (size // grain + 1, size // grain + 1, 3))
    return cv2.resize(small.astype(np.float32), (size, size))


def mask_of(shape: int, radius: float, centre: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    x, y = (x - centre[0]) / radius, (y - centre[1]) / radius
    if shape == 0:
        inside = 1 - np.hypot(x, y)
    elif shape == 1:
        inside = 0.85 - np.maximum(abs(x), abs(y))
    elif shape == 2:  # a triangle
        inside = np.minimum(0.6 - y, 0.6 + y - 1.8 * abs(x))
    else:  # a plus
        arms = np.minimum(abs(x), abs(y))
        inside = np.minimum(0.3 - arms, 1 - np.maximum(abs(x), abs(y)))
    return np.clip(inside * radius + 0.5, 0, 1)[..., None]


def draw(rng: np.random.Generator) -> tuple[np.ndarray, int, int]:
    """One clip, uint8 ``(STEPS + 1, SIZE, SIZE, 3)``, its shape and its motion."""
    shape, motion = rng.integers(KINDS, size=2)
    phase, radius = rng.uniform(0, 2 * np.pi), rng.uniform(6, 10)
    part = np.linspace(0, 1, STEPS + 1)
    if motion < 2:  # round a circle, either way
        angle = phase + (1 - 2 * motion) * part * rng.uniform(2, 4)
        path = 10 * np.stack([np.cos(angle), np.sin(angle)], 1)
    else:  # along a line, speeding up or slowing down
        way = (part**2 if motion == 2 else 1 - (1 - part) ** 2) - 0.5
        path = 26 * way[:, None] * np.array([np.cos(phase), np.sin(phase)])
    path = path + SIZE / 2 + rng.uniform(-4, 4, 2)
    # a bright thing over a dark ground, each with its own texture
    ground, skin = 0.6 * texture(rng, SIZE + 16, 8), 110 + 0.55 * texture(rng, SIZE, 12)
    drift = rng.uniform(-0.6, 0.6, 2)
    frames = []
    for step, centre in enumerate(path):
        move = np.float32([[1, 0, drift[0] * step - 8], [0, 1, drift[1] * step - 8]])
        back = cv2.warpAffine(ground, move, (SIZE, SIZE))
        inside = mask_of(shape, radius, centre)
        frame = back * (1 - inside) + skin * inside
        frames.append(frame + rng.normal(0, 8, frame.shape))
    return np.clip(frames, 0, 255).astype(np.uint8), int(shape), int(motion)


def draw_sound(rng: np.random.Generator) -> tuple[np.ndarray, int, int]:
    """One second at 16 kHz, ``(16000,)``, its timbre and its course."""
    timbre, course = rng.integers(KINDS, size=2)
    time_, pitch = np.arange(16000) / 16000, rng.uniform(200, 700)
    glide = np.zeros(16000)
    if course < 2:
        glide = (1 - 2 * course) * (time_ - 0.5) * rng.uniform(0.6, 1.2)
    phase = 2 * np.pi * np.cumsum(pitch * 2**glide) / 16000
    if timbre == 0:
        wave = np.sin(phase)
    elif timbre == 1:  # all harmonics
        wave = sum(np.sin(n * phase) / n for n in range(1, 9))
    elif timbre == 2:  # odd ones
        wave = sum(np.sin(n * phase) / n for n in range(1, 16, 2))
    else:  # frequency modulation
        wave = np.sin(phase + 2 * np.sin(1.4 * phase))
    if course >= 2:
        rate = rng.uniform(2.5, 4) if course == 2 else rng.uniform(6, 9)
        wave = wave * (np.sin(2 * np.pi * (rate * time_ + rng.uniform())) > 0)
    noise = rng.normal(0, 10 ** rng.uniform(-1.5, -0.3), 16000)
    return (0.3 * (wave + noise)).astype(np.float32), int(timbre), int(course)


def one_of(rng: np.random.Generator, modality: str) -> tuple[np.ndarray, int]:
    """One input, channels last (sound: ``(bands, time)``), and its label."""
    if modality == "audio":
        wave, timbre, course = draw_sound(rng)
        results = dict(waveform=wave[None], sample_rate=16000)
        log_mel = LogMel(n_mels=64).transform(results)["audio"][0]
        return (log_mel + 8) / 5, timbre * KINDS + course
    frames, shape, motion = draw(rng)
    if modality == "rgb":
        return frames[:-1].astype(np.float32) / 64 - 2, shape * KINDS + motion
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    return np.stack([dis.calc(a, b, None) for a, b in itertools.pairwise(grey)]), motion


def batch_of(rng: np.random.Generator, modality: str):
    """Inputs ``(N, C, *axes)`` and labels ``(N,)``."""
    drawn = [one_of(rng, modality) for _ in range(BATCH)]
    x = torch.from_numpy(np.stack([one for one, _ in drawn])).float()
    if modality != "audio":
        x = x.permute(0, 4, 1, 2, 3).contiguous()
    return x, torch.tensor([label for _, label in drawn])


def batches(seed: int, modality: str, count: int) -> list:
    rng = np.random.default_rng(seed)
    drawn = (batch_of(rng, modality) for _ in range(count))
    return [(x.half(), label) for x, label in drawn]  # half: 0.7 GB for 400
