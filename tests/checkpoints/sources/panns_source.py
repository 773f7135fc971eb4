"""PANNs' Cnn14 and Res1dNet31 stated anew, with the project's names of weights.

Facts from https://github.com/qiuqiangkong/audioset_tagging_cnn, pytorch/models.py.
"""

from __future__ import annotations

import librosa
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

CLASSES = 527


class Spectrogram(nn.Module):
    """Power from two banks of windowed waves; its weights are in the files."""

    def __init__(self, n_fft, hop):
        super().__init__()
        self.pad, self.hop = n_fft // 2, hop
        self.stft = nn.Module()
        angle = (
            2 * np.pi * np.outer(np.arange(n_fft // 2 + 1), np.arange(n_fft)) / n_fft
        )
        hann = np.sin(np.pi * np.arange(n_fft) / n_fft) ** 2
        for name, wave in (("conv_real", np.cos(angle)), ("conv_imag", -np.sin(angle))):
            bank = nn.Conv1d(1, n_fft // 2 + 1, n_fft, stride=hop, bias=False)
            bank.weight.data = torch.from_numpy(wave * hann)[:, None].float()
            bank.requires_grad_(False)
            self.stft.add_module(name, bank)

    def forward(self, wave):
        wave = F.pad(wave[:, None], (self.pad, self.pad), mode="reflect")
        power = self.stft.conv_real(wave) ** 2 + self.stft.conv_imag(wave) ** 2
        return power.transpose(1, 2)  # (N, frames, bins)


class MelBands(nn.Module):
    def __init__(self, rate, n_fft, n_mels, low, high):
        super().__init__()
        bank = librosa.filters.mel(
            sr=rate, n_fft=n_fft, n_mels=n_mels, fmin=low, fmax=high
        )
        self.melW = nn.Parameter(torch.from_numpy(bank.T.copy()), requires_grad=False)

    def forward(self, power):
        return 10 * torch.log10((power @ self.melW).clamp(min=1e-10))


class DoubleConv(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.bn2 = nn.BatchNorm2d(after)

    def forward(self, x):
        return self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())).relu()


class Cnn14(nn.Module):
    def __init__(self, rate=32000, window=1024, hop=320, low=50, high=14000):
        super().__init__()
        self.spectrogram_extractor = Spectrogram(window, hop)
        self.logmel_extractor = MelBands(rate, window, 64, low, high)
        self.bn0 = nn.BatchNorm2d(64)
        widths = (1, 64, 128, 256, 512, 1024, 2048)
        for index in range(6):
            block = DoubleConv(widths[index], widths[index + 1])
            self.add_module(f"conv_block{index + 1}", block)
        self.fc1 = nn.Linear(2048, 2048)
        self.fc_audioset = nn.Linear(2048, CLASSES)

    def log_mel(self, wave):
        return self.logmel_extractor(self.spectrogram_extractor(wave))

    def trunk(self, mel):
        """``(N, frames, 64)`` to ``(N, 2048, frames // 32)``."""
        x = self.bn0(mel.permute(0, 2, 1)[..., None])  # the bands are the channels
        x = x.permute(0, 3, 2, 1)  # (N, 1, frames, bands)
        for index in range(6):
            x = getattr(self, f"conv_block{index + 1}")(x)
            if index < 5:  # mean of four neighbours; an odd last frame is left out
                x = x[:, :, : x.shape[2] // 2 * 2]
                x = sum(x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)) / 4
        return x.mean(3)


class WaveBlock(nn.Module):
    def __init__(self, before, after, step):
        super().__init__()
        self.step = step
        self.conv1 = nn.Conv1d(before, after, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm1d(after)
        self.conv2 = nn.Conv1d(after, after, 3, padding=2, dilation=2, bias=False)
        self.bn2 = nn.BatchNorm1d(after)
        self.downsample = None
        if step > 1 or before != after:
            convolution = nn.Conv1d(before, after, 1, bias=False)
            self.downsample = nn.Sequential(
                nn.AvgPool1d(step), convolution, nn.BatchNorm1d(after)
            )

    def forward(self, x):
        short = x if self.downsample is None else self.downsample(x)
        x = x.unfold(2, self.step, self.step).amax(3)
        x = self.bn1(self.conv1(x)).relu()
        return (self.bn2(self.conv2(x)) + short).relu()


class Res1dNet31(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv0 = nn.Conv1d(1, 64, 11, stride=5, padding=5, bias=False)
        self.bn0 = nn.BatchNorm1d(64)
        self.resnet = nn.Module()
        widths = (64, 64, 128, 256, 512, 1024, 1024, 2048)
        for index in range(1, 8):
            step = 1 if index == 1 else 4
            first = WaveBlock(widths[index - 1], widths[index], step)
            second = WaveBlock(widths[index], widths[index], 1)
            self.resnet.add_module(f"layer{index}", nn.Sequential(first, second))
        self.fc1 = nn.Linear(2048, 2048)
        self.fc_audioset = nn.Linear(2048, CLASSES)

    def trunk(self, wave):
        """``(N, samples)`` to ``(N, 2048, samples // 20480)``."""
        x = self.bn0(self.conv0(wave[:, None]))  # no activation here
        for index in range(1, 8):
            x = getattr(self.resnet, f"layer{index}")(x)
        return x
