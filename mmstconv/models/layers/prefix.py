"""Steps of a clip as the first vectors that a language model reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from .align_steps import stretch_steps
from .lengths import check_lengths
from .to_device import to_device


class StepPrefix(nn.Module):
    """A fixed number of vectors as wide as a language model's, from steps over time.

    As the prefix of `ClipCap <https://arxiv.org/abs/2111.09734>`_, but over time: each
    vector is the mean of an equal share of the real steps, so that the order of the
    vectors is the order in time, with nothing to learn. A linear layer and a LayerNorm
    follow, then a learned vector of the place, and one for each absent modality.

    Args:
        in_channels: D of the steps.
        channels: C, the width of the language model.
        count: K, vectors of a clip.
        modalities: Names of what may be absent.
        scale: Deviation of what comes out before anything is learned; that of the
            language model's own token embeddings.

    Shape:
        - Input: ``(N, T, D)``, real steps ``(N,)`` or None, presence
          ``{modality: bool (N,)}``.
        - Output: ``(N, K, C)``.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        count: int,
        modalities: Sequence[str],
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.modalities = tuple(modalities)
        self.linear = nn.Linear(in_channels, channels)
        self.norm = nn.LayerNorm(channels)
        nn.init.constant_(self.norm.weight, scale)
        self.place = nn.Parameter(torch.zeros(count, channels))
        self.absent = nn.Parameter(torch.zeros(len(self.modalities), channels))

    def forward(
        self, x: Tensor, valid: Tensor | None, presence: Mapping[str, Tensor]
    ) -> Tensor:
        x = resample_steps(x, valid, len(self.place))  # (N, K, D)
        x = self.norm(self.linear(x)) + self.place  # (N, K, C)
        absent = torch.stack(
            [~flags_of(presence, name, x) for name in self.modalities], 1
        )  # (N, M)
        return x + (absent.to(x) @ self.absent.to(x))[:, None]


def resample_steps(x: Tensor, valid: Tensor | None, count: int) -> Tensor:
    """The real steps of ``(N, T, D)`` averaged onto ``(N, count, D)`` equal spans."""
    if valid is None:
        valid = torch.full(x.shape[:1], x.shape[1])
    check_lengths(valid, *x.shape[:2])
    return stretch_steps(x, valid, count)


def flags_of(presence: Mapping[str, Tensor], name: str, like: Tensor) -> Tensor:
    """Which of N rows have a modality, bool ``(N,)``; all, where it is not named."""
    if name not in presence:
        return torch.ones(len(like), dtype=torch.bool, device=like.device)
    return to_device(presence[name], like.device)
