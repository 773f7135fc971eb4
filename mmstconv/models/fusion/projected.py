"""Operators that first bring all modalities to the same channels."""

from __future__ import annotations

from collections.abc import Mapping

from .base import FusionOperator, ModalityLinear


class ProjectedFusion(FusionOperator):
    """One linear projection per modality; subclasses say how they are joined.

    Args:
        in_channels: Channels of each modality.
        channels: Channels of the projections and of the output.
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
        learned_absent: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels=channels,
            learned_absent=learned_absent,
            init_cfg=init_cfg,
        )
        self.projections = ModalityLinear(self.in_channels, channels)
