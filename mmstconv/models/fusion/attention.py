"""Fusion by attention between modalities."""

from __future__ import annotations

from collections.abc import Mapping

from mmaction.registry import MODELS
from torch import Tensor, nn

from .base import masked_softmax
from .projected import ProjectedFusion


@MODELS.register_module()
class CrossModalAttentionFusion(ProjectedFusion):
    """The modalities of one time step attend to each other; mean over them.

    `Attention Is All You Need <https://arxiv.org/abs/1706.03762>`_, equation 1, with
    several heads, a residual connection and layer norm. The tokens are the projected
    modalities of a time step, the bias of each projection tells them apart, an absent
    one is neither key nor query. Invariant to the order of modalities.

    Args:
        in_channels: Channels of each modality.
        channels: Channels of the tokens and of the output.
        num_heads: Attention heads.
        learned_absent: A learned embedding for an absent modality.
        init_cfg: Initialisation config.

    Shape:
        - Input: see :class:`FusionOperator`.
        - Output: ``(N, T, channels)``; zero where no modality is present.

    Raises:
        ValueError: ``channels`` is not a multiple of ``num_heads``.
    """

    def __init__(
        self,
        in_channels: Mapping[str, int],
        *,
        channels: int = 256,
        num_heads: int = 4,
        learned_absent: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        if num_heads < 1 or channels % num_heads:
            raise ValueError(
                f"CrossModalAttentionFusion: channels={channels} must be a multiple "
                f"of num_heads={num_heads}"
            )
        super().__init__(
            in_channels,
            channels=channels,
            learned_absent=learned_absent,
            init_cfg=init_cfg,
        )
        self.num_heads = num_heads
        self.query_key_value = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)
        self.norm = nn.LayerNorm(channels)

    def fuse(self, feats: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        here = self.stack_present(present)  # (N, 1, K, 1)
        tokens = self.projections(feats)  # (N, T, K, C)
        attention, value = self.attend(tokens, here)
        mixed = (attention.to(value.dtype) @ value).transpose(2, 3)  # (N, T, K, h, d)
        tokens = self.norm(tokens + self.out(mixed.flatten(3)))  # (N, T, K, C)
        return self.mean_present(tokens, here)  # (N, T, C)

    def attend(self, tokens: Tensor, here: Tensor) -> tuple[Tensor, Tensor]:
        """Attention ``(N, T, heads, K queries, K keys)``, values ``(..., K, d)``."""
        packed = self.query_key_value(tokens)  # (N, T, K, 3 * C)
        packed = packed.unflatten(-1, (3, self.num_heads, -1))  # (N, T, K, 3, h, d)
        query, key, value = packed.permute(3, 0, 1, 4, 2, 5)  # each (N, T, h, K, d)
        logits = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
        keys = here[..., 0][:, :, None, None]  # (N, 1, 1, 1, K)
        return masked_softmax(logits, keys, dim=-1), value

    @staticmethod
    def mean_present(tokens: Tensor, here: Tensor) -> Tensor:
        """Mean over present tokens: ``(N, T, K, C)`` to ``(N, T, C)``."""
        count = here.sum(dim=2).clamp(min=1).to(tokens.dtype)  # (N, 1, 1)
        return tokens.masked_fill(~here, 0.0).sum(dim=2) / count

    def weights(
        self,
        feats: Mapping[str, Tensor],
        presence: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """``{modality: (N, T)}``: the attention that it gets; of sum 1, absent: 0.

        The mean over heads and over the modalities that attend.
        """
        feats, present = self.prepare(feats, presence)
        here = self.stack_present(present)  # (N, 1, K, 1)
        attention, _ = self.attend(self.projections(feats), here)
        return self.split(self.mean_present(attention.mean(dim=2), here))
