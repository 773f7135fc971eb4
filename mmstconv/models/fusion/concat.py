"""Fusion by concatenation."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor


@MODELS.register_module()
class ConcatFusion(BaseModule):
    """Join the channels of all modalities; those of an absent one are zero.

    The order is alphabetical, so neither the order of the config nor that of the
    features decides what a trained weight means.

    Args:
        in_channels: Channels of each modality.
        init_cfg: Initialisation config.

    Shape:
        - Input: ``feats`` ``{modality: (N, T, D_m)}``, ``presence``
          ``{modality: bool (N,)}``; a modality that it does not name is present.
        - Output: ``(N, T, out_channels)``.
    """

    def __init__(
        self, in_channels: Mapping[str, int], *, init_cfg: dict | None = None
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.modalities = tuple(sorted(in_channels))
        self.in_channels = {name: in_channels[name] for name in self.modalities}
        self.out_channels = sum(self.in_channels.values())

    def forward(
        self,
        feats: Mapping[str, Tensor],
        presence: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        if set(feats) != set(self.modalities):
            raise ValueError(
                f"{type(self).__name__}: expected features of {self.modalities}, "
                f"got those of {tuple(sorted(feats))}"
            )
        for name in self.modalities:
            if feats[name].shape[-1] != self.in_channels[name]:
                raise ValueError(
                    f"{type(self).__name__}: expected {self.in_channels[name]} "
                    f"channels of {name!r}, got {feats[name].shape[-1]}"
                )
        if len({feats[name].shape[:-1] for name in self.modalities}) > 1:
            shapes = {name: tuple(feats[name].shape) for name in self.modalities}
            raise ValueError(
                f"{type(self).__name__}: features must agree in (N, T), got {shapes}"
            )
        presence = presence or {}
        parts = []
        for name in self.modalities:
            part = feats[name]
            if name in presence:
                present = presence[name][:, None, None]  # (N, 1, 1)
                part = torch.where(present, part, part.new_zeros(()))
            parts.append(part)
        return torch.cat(parts, dim=-1)  # (N, T, sum of D_m)
