"""VGGish stated anew, with the names of https://github.com/harritaylor/torchvggish."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

WIDTHS = {0: (1, 64), 3: (64, 128), 6: (128, 256), 8: (256, 256)}
WIDTHS.update({11: (256, 512), 13: (512, 512)})
HALVED = (0, 3, 8, 13)  # convolutions with pooling after them


class VGGish(nn.Module):
    """One patch of 96 frames x 64 bands to an embedding."""

    def __init__(self):
        super().__init__()
        self.features = nn.ModuleDict(
            {str(i): nn.Conv2d(*width, 3, padding=1) for i, width in WIDTHS.items()}
        )
        sizes = (6 * 4 * 512, 4096, 4096, 128)
        self.embeddings = nn.ModuleDict(
            {str(2 * i): nn.Linear(sizes[i], sizes[i + 1]) for i in range(3)}
        )

    def maps(self, mel):
        """``(N, frames, 64)`` to ``(N, 512, frames // 16, 4)``."""
        x = mel[:, None]
        for index in WIDTHS:
            x = self.features[str(index)](x).relu()
            if index in HALVED:
                x = x.unfold(2, 2, 2).unfold(3, 2, 2).amax((4, 5))
        return x

    def embed(self, maps):
        """Six time steps of :meth:`maps` to ``(N, 128)``."""
        x = torch.einsum("nctf->ntfc", maps).reshape(len(maps), -1)
        for layer in self.embeddings.values():
            x = layer(x).relu()
        return x

    def forward(self, patch):
        return self.embed(self.maps(patch))


def log_mel(sound, rate=16000, bands=64, low=125.0, high=7500.0):
    """What VGGish reads, in double precision, from the sums that define it.

    Frames of 25 ms every 10 ms, none beyond the ends; the magnitude of a Fourier
    transform of 512 points; triangles whose sides are straight on HTK's mel scale;
    the logarithm of 0.01 more.
    """
    size, hop, points = rate * 25 // 1000, rate // 100, 512
    time = np.arange(size)
    hann = (1 - np.cos(2 * np.pi * time / size)) / 2
    bins = np.arange(points // 2 + 1)
    waves = np.exp(-2j * np.pi * np.outer(time, bins) / points)
    starts = range(0, len(sound) - size + 1, hop)
    frames = np.array([sound[s : s + size] for s in starts], float)
    magnitude = np.abs((frames * hann) @ waves)  # (frames, bins)

    def mel(hertz):
        return 2595 * np.log10(1 + hertz / 700)

    position = mel(bins * rate / points)
    edges = np.linspace(mel(low), mel(high), bands + 2)
    bank = np.stack(
        [np.interp(position, edges[b : b + 3], [0, 1, 0]) for b in range(bands)], 1
    )
    return np.log(magnitude @ bank + 0.01)  # (frames, bands)
