"""The sound of a clip of the demo data set."""

from __future__ import annotations

import numpy as np
from demo_spec import Spec


def render_sound(spec: Spec, rng: np.random.Generator) -> np.ndarray:
    """Makes the clip's sound, as long as its pictures.

    Returns:
        float32 in [-1, 1], ``(channels, samples)``.
    """
    samples = round(spec.duration * spec.sample_rate)
    place = np.arange(samples) / spec.sample_rate / spec.sweep + spec.sweep_start
    sound = render_sound_along(spec, place % 1, rng)
    return sound[:, ::-1] if spec.glide else sound  # falling is rising, backwards


def render_sound_along(
    spec: Spec, place: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Makes a tone that takes any way through its sweep, over noise.

    Args:
        spec: Of the sound; its glide, sweep and duration are not used.
        place: In the sweep, in [0, 1), one a sample.
        rng: Of phases and noise.

    Returns:
        float32 in [-1, 1], ``(channels, samples)``.
    """
    samples = len(place)
    pitch = spec.base_pitch * 2 ** (spec.octaves * place)
    phase = (np.cumsum(pitch) / spec.sample_rate + rng.uniform()) % 1
    phase = (2 * np.pi * phase).astype(np.float32)
    tone = sum(
        k**-spec.rolloff * np.sin(k * phase + np.float32(2 * np.pi * rng.uniform()))
        for k in range(1, 5)
    )
    # Fade out and in around the leap between sweeps, the same way on both sides.
    tone *= np.sin(np.pi / 2 * np.minimum(1, np.minimum(place, 1 - place) / 0.12)) ** 2
    tone /= np.sqrt(np.mean(tone**2))

    spectrum = np.fft.rfft(rng.standard_normal((spec.channels, samples)))
    bins = np.arange(spectrum.shape[1]) * spec.sample_rate / samples
    noise = np.fft.irfft(
        spectrum * np.maximum(bins, 50) ** (-spec.noise_slope / 2), samples
    )
    noise *= 10 ** (-spec.snr / 20) / np.sqrt(np.mean(noise**2))

    angle = np.pi / 2 * spec.pan
    gains = [[1.0]] if spec.channels == 1 else [[np.cos(angle)], [np.sin(angle)]]
    sound = 10 ** (spec.level / 20) * (np.array(gains) * tone + noise)
    return np.clip(sound, -1, 1).astype(np.float32)
