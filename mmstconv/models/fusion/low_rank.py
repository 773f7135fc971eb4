"""Fusion by an outer product with weights of low rank."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from mmaction.registry import MODELS
from torch import Tensor, nn

from .base import FusionOperator, ModalityLinear


@MODELS.register_module()
class LowRankTensorFusion(FusionOperator):
    """A linear map of the full outer product of all modalities, of low rank.

    `Efficient Low-rank Multimodal Fusion with Modality-Specific Factors
    <https://arxiv.org/abs/1806.00064>`_, section 3: with 1 appended to every modality
    (here the bias of its factor), ``y = sum_i prod_m (W_m^i [x_m; 1]) + b`` equals
    the weights ``sum_i W_1^i x ... x W_K^i`` applied to the outer product, which is
    never formed. The factor of an absent modality is 1. Invariant to the order of
    modalities.

    All factors start around 1 and b at minus the rank: at first the operator is
    nearly the sum of the modalities, and no modality can silence another.

    Args:
        in_channels: Channels of each modality.
        channels: Channels of the output.
        rank: Rank of the weights.
        learned_absent: A learned embedding for an absent modality.
        init_cfg: Initialisation config.

    Shape:
        - Input: see :class:`FusionOperator`.
        - Output: ``(N, T, channels)``.
    """

    def __init__(
        self,
        in_channels: Mapping[str, int],
        *,
        channels: int = 256,
        rank: int = 4,
        learned_absent: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        if rank < 1:
            raise ValueError(
                f"LowRankTensorFusion: rank must be at least 1, got {rank}"
            )
        super().__init__(
            in_channels,
            out_channels=channels,
            learned_absent=learned_absent,
            init_cfg=init_cfg,
        )
        self.rank = rank
        self.factors = ModalityLinear(self.in_channels, rank * channels)
        self.bias = nn.Parameter(torch.full((channels,), -float(rank)))
        for layer in self.factors.values():
            nn.init.ones_(layer.bias)

    def fuse(self, feats: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        here = self.stack_present(present)  # (N, 1, K, 1)
        factors = self.factors(feats).masked_fill(~here, 1.0)  # (N, T, K, rank * C)
        product = factors[:, :, 0]
        for factor in factors.unbind(dim=2)[1:]:
            product = product * factor
        product = product.unflatten(-1, (self.rank, -1))  # (N, T, rank, C)
        return product.sum(dim=2) + self.bias  # (N, T, C)
