"""What the audio stream sees: log-mel bands or the waveform itself."""

from __future__ import annotations

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from .checks import one_of, positive_int, positive_number, require
from .mel_filters import FILTERS
from .roles import Role


@TRANSFORMS.register_module()
class LogMel(BaseTransform):
    """Logarithm of the energy in mel bands.

    By default ``log(librosa.feature.melspectrogram(...) + eps)``, the natural
    logarithm. The two front ends that public weights come with:

    - PANNs, at 32 kHz: ``n_fft=1024, hop_length=320, f_min=50, f_max=14000,
      pad_mode='reflect', decibels=True, eps=1e-10``;
    - VGGish, at 16 kHz: ``win_length=400, center=False, power=1, filters='htk',
      f_min=125, f_max=7500, eps=0.01``.

    Required Keys:

        - waveform
        - sample_rate

    Added Keys:

        - audio: float32 ``(num_clips, n_mels, 1 + L // hop_length)``; with
          ``center=False`` ``1 + (L - win_length) // hop_length`` frames

    Args:
        n_mels: Bands.
        n_fft: Samples of the Fourier transform.
        hop_length: Samples from one window to the next.
        f_min: Lower edge of the lowest band in Hz.
        f_max: Upper edge of the highest band in Hz; None is half the sample rate.
        eps: Added to the energy; its logarithm is the value of silence.
        win_length: Samples of a window, zeros up to ``n_fft``; ``n_fft`` if None.
        center: Windows are centred on multiples of the hop, beyond the ends too. If
            False, the first one begins at the first sample and the last one ends
            within the sound (librosa's ``center=False`` puts a window shorter than
            ``n_fft`` half the difference later).
        pad_mode: What centred windows see beyond the ends: ``'constant'`` (zeros) or
            ``'reflect'``.
        power: 2 for the power in a band, 1 for the magnitude.
        filters: ``'librosa'``: area one, triangles in Hz on Slaney's mel scale.
            ``'htk'``: height one, triangles in mel on HTK's scale, as in TensorFlow
            (librosa's ``htk=True`` changes the scale, not the triangles).
        decibels: ``librosa.power_to_db(..., amin=eps, top_db=None)`` instead:
            ``10 * log10`` of the power, ``eps`` where it is less.
    """

    role = Role(modalities=("audio",), of_windows=True, features="log-mel")

    def __init__(
        self,
        n_mels: int = 64,
        n_fft: int = 512,
        hop_length: int = 160,
        f_min: float = 0.0,
        f_max: float | None = None,
        eps: float = 1e-6,
        *,
        win_length: int | None = None,
        center: bool = True,
        pad_mode: str = "constant",
        power: int = 2,
        filters: str = "librosa",
        decibels: bool = False,
    ) -> None:
        self.n_mels = positive_int("n_mels", n_mels)
        self.n_fft = positive_int("n_fft", n_fft)
        self.hop_length = positive_int("hop_length", hop_length)
        self.f_min = positive_number("f_min", f_min, allow_zero=True)
        self.f_max = None if f_max is None else positive_number("f_max", f_max)
        self.eps = positive_number("eps", eps)
        win_length = n_fft if win_length is None else win_length
        self.win_length = positive_int("win_length", win_length)
        self.center = center
        self.pad_mode = one_of("pad_mode", pad_mode, ("constant", "reflect"))
        self.power = power
        self.filters = one_of("filters", filters, tuple(FILTERS))
        self.decibels = decibels
        if self.f_max is not None and self.f_max <= self.f_min:
            raise ValueError(f"f_max must exceed f_min={f_min}, got {f_max}")
        if self.win_length > self.n_fft:
            raise ValueError(
                f"win_length must not exceed n_fft={n_fft}, got {win_length}"
            )
        if power not in (1, 2) or (decibels and power != 2):
            allowed = "2, as decibels are of power" if decibels else "1 or 2"
            raise ValueError(f"power must be {allowed}, got {power!r}")

    def transform(self, results: dict) -> dict:
        waveform = require(results, "waveform", self, "LoadWaveform")
        rate = results["sample_rate"]
        if self.f_max is not None and self.f_max > rate / 2:
            raise ValueError(
                f"f_max must not exceed half the sample rate {rate}, got {self.f_max}"
            )
        bank = FILTERS[self.filters](
            rate, self.n_fft, self.n_mels, self.f_min, self.f_max
        )
        spectrum = power_spectrum(self._windows(waveform), self.n_fft)
        if self.power == 1:
            spectrum = np.sqrt(spectrum)
        energy = bank @ spectrum.astype(np.float32)  # (clips, n_mels, frames)
        eps = np.float32(self.eps)
        if self.decibels:
            results["audio"] = 10 * np.log10(np.maximum(energy, eps))
        else:
            results["audio"] = np.log(energy + eps)
        return results

    def _windows(self, waveform: np.ndarray) -> np.ndarray:
        """``(clips, L)`` to ``(clips, frames, win_length)``."""
        length, size = waveform.shape[1], self.win_length
        if self.center:
            before = self.n_fft // 2 - (self.n_fft - size) // 2
            padding = ((0, 0), (before, size - before))
            waveform = np.pad(waveform, padding, mode=self.pad_mode)
            frames = 1 + length // self.hop_length
        elif length < size:
            raise ValueError(
                f"LogMel: a window of win_length={size} samples does not fit into "
                f"{length} samples of sound; load more, or set center=True"
            )
        else:
            frames = 1 + (length - size) // self.hop_length
        windows = np.lib.stride_tricks.sliding_window_view(waveform, size, axis=1)
        return windows[:, :: self.hop_length][:, :frames]

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(n_mels={self.n_mels}, n_fft={self.n_fft}, "
            f"hop_length={self.hop_length}, f_min={self.f_min}, f_max={self.f_max}, "
            f"eps={self.eps}, win_length={self.win_length}, center={self.center}, "
            f"pad_mode={self.pad_mode!r}, power={self.power}, "
            f"filters={self.filters!r}, decibels={self.decibels})"
        )


@TRANSFORMS.register_module()
class RawAudio(BaseTransform):
    """Gives the audio stream the waveform itself.

    Required Keys:

        - waveform

    Added Keys:

        - audio: float32 ``(num_clips, 1, L)``
    """

    role = Role(modalities=("audio",), of_windows=True, features="waveform")

    def transform(self, results: dict) -> dict:
        results["audio"] = require(results, "waveform", self, "LoadWaveform")[:, None]
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def power_spectrum(windows: np.ndarray, n_fft: int) -> np.ndarray:
    """Power of the sound in periodic Hann windows.

    Args:
        windows: ``(clips, frames, win_length)``.
        n_fft: Samples of the Fourier transform.

    Returns:
        float64 ``(clips, n_fft // 2 + 1, frames)``.
    """
    size = windows.shape[2]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    spectrum = np.fft.rfft(windows * hann, n=n_fft, axis=2)  # (clips, frames, bins)
    return (spectrum.real**2 + spectrum.imag**2).transpose(0, 2, 1)
