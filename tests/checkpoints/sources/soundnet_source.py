"""SoundNet-8 stated in numpy, as its authors' Torch code has it, in double precision.

Its weights are those of the port to TensorFlow: ``{layer: {name: array}}``, kernels as
``(time, 1, in, out)``.
"""

from __future__ import annotations

import numpy as np

EPS = 1e-5
# channels, kernel, padding (the stride is 2), pooling
LAYERS = (
    (16, 64, 32, 8),
    (32, 32, 16, 8),
    (64, 16, 8, None),
    (128, 8, 4, None),
    (256, 4, 2, 4),
    (512, 4, 2, None),
    (1024, 4, 2, None),
)


def random_weights(seed: int = 0) -> dict[str, dict[str, np.ndarray]]:
    """Kernels that keep the size of what they read; statistics of unlike channels."""
    draw = np.random.default_rng(seed)
    weights, before = {}, 1
    for number, (channels, size, _, _) in enumerate(LAYERS, 1):
        scale = np.sqrt(2 / (size * before))
        values = dict(
            weights=draw.normal(0, scale, (size, 1, before, channels)),
            biases=draw.normal(0, 0.3, channels),
            gamma=draw.uniform(0.5, 1.5, channels),
            beta=draw.normal(0, 0.3, channels),
            mean=draw.normal(0, 0.3, channels),
            var=draw.uniform(0.5, 1.5, channels),
        )
        if number == 1:  # what comes in is in [-256, 256]
            values["var"] *= 1e4
        weights[f"conv{number}"] = {k: v.astype(np.float32) for k, v in values.items()}
        before = channels
    for name, classes in (("conv8", 10), ("conv8_2", 4)):
        weights[name] = dict(
            weights=draw.normal(0, 0.01, (8, 1, before, classes)).astype(np.float32),
            biases=np.zeros(classes, np.float32),
        )
    return weights


def trunk(weights: dict, sound: np.ndarray) -> np.ndarray:
    """conv7 of a waveform in [-256, 256], ``(L,)``; ``(1024, steps)``."""
    x = sound.astype(np.float64)[:, None]  # (L, channels)
    for number, (_, size, padding, pooling) in enumerate(LAYERS, 1):
        layer = {k: v.astype(np.float64) for k, v in weights[f"conv{number}"].items()}
        x = np.pad(x, ((padding, padding), (0, 0)))
        starts = range(0, len(x) - size + 1, 2)
        kernel = layer["weights"][:, 0].reshape(-1, layer["weights"].shape[3])
        x = np.stack([x[at : at + size].reshape(-1) @ kernel for at in starts])
        x = x + layer["biases"]
        x = (x - layer["mean"]) / np.sqrt(layer["var"] + EPS)
        x = np.maximum(x * layer["gamma"] + layer["beta"], 0)
        if pooling:
            steps = len(x) // pooling
            x = x[: steps * pooling].reshape(steps, pooling, -1).max(1)
    return x.T
