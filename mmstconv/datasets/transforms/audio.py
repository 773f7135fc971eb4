"""What the audio stream sees: log-mel bands or the waveform itself."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from .checks import positive_int, positive_number, require


@TRANSFORMS.register_module()
class LogMel(BaseTransform):
    """Natural logarithm of the power in mel bands, with librosa's filters.

    Equals ``log(librosa.feature.melspectrogram(...) + eps)``.

    Required Keys:

        - waveform
        - sample_rate

    Added Keys:

        - audio: float32 ``(num_clips, n_mels, 1 + L // hop_length)``

    Args:
        n_mels: Bands.
        n_fft: Samples of a window.
        hop_length: Samples from one window to the next.
        f_min: Lower edge of the lowest band in Hz.
        f_max: Upper edge of the highest band in Hz; None is half the sample rate.
        eps: Added to the power; its logarithm is the value of silence.
    """

    def __init__(
        self,
        n_mels: int = 64,
        n_fft: int = 512,
        hop_length: int = 160,
        f_min: float = 0.0,
        f_max: float | None = None,
        eps: float = 1e-6,
    ) -> None:
        self.n_mels = positive_int("n_mels", n_mels)
        self.n_fft = positive_int("n_fft", n_fft)
        self.hop_length = positive_int("hop_length", hop_length)
        self.f_min = positive_number("f_min", f_min, allow_zero=True)
        self.f_max = None if f_max is None else positive_number("f_max", f_max)
        self.eps = positive_number("eps", eps)
        if self.f_max is not None and self.f_max <= self.f_min:
            raise ValueError(f"f_max must exceed f_min={f_min}, got {f_max}")

    def transform(self, results: dict) -> dict:
        waveform = require(results, "waveform", self, "LoadWaveform")
        rate = results["sample_rate"]
        if self.f_max is not None and self.f_max > rate / 2:
            raise ValueError(
                f"f_max must not exceed half the sample rate {rate}, got {self.f_max}"
            )
        filters = mel_filters(rate, self.n_fft, self.n_mels, self.f_min, self.f_max)
        power = power_spectrum(waveform, self.n_fft, self.hop_length)
        results["audio"] = np.log(filters @ power + np.float32(self.eps))
        return results

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(n_mels={self.n_mels}, n_fft={self.n_fft}, "
            f"hop_length={self.hop_length}, f_min={self.f_min}, f_max={self.f_max}, "
            f"eps={self.eps})"
        )


@TRANSFORMS.register_module()
class RawAudio(BaseTransform):
    """Gives the audio stream the waveform itself.

    Required Keys:

        - waveform

    Added Keys:

        - audio: float32 ``(num_clips, 1, L)``
    """

    def transform(self, results: dict) -> dict:
        results["audio"] = require(results, "waveform", self, "LoadWaveform")[:, None]
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


@lru_cache(maxsize=8)
def mel_filters(
    sample_rate: int, n_fft: int, n_mels: int, f_min: float, f_max: float | None
) -> np.ndarray:
    """librosa's filter bank, ``(n_mels, n_fft // 2 + 1)``."""
    import librosa

    return librosa.filters.mel(
        sr=sample_rate, n_fft=n_fft, n_mels=n_mels, fmin=f_min, fmax=f_max
    )


def power_spectrum(waveform: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    """Power of Hann windows centred on multiples of the hop.

    Args:
        waveform: ``(clips, L)``.
        n_fft: Samples of a window.
        hop_length: Samples from one window to the next.

    Returns:
        float32 ``(clips, n_fft // 2 + 1, 1 + L // hop_length)``.
    """
    padded = np.pad(waveform, ((0, 0), (n_fft // 2, n_fft - n_fft // 2)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft, axis=1)
    frames = frames[:, ::hop_length][:, : 1 + waveform.shape[1] // hop_length]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    spectrum = np.fft.rfft(frames * window, axis=2)  # (clips, F, bins)
    power = spectrum.real**2 + spectrum.imag**2
    return power.transpose(0, 2, 1).astype(np.float32)
