"""What the streams give, and all that the joint knows of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

from ..layers import StepGrid, to_device


class Features(NamedTuple):
    """Features of N clips, by modality.

    Args:
        feats: ``{modality: (N, T_m, D_m)}``, or ``(N, C_m, T_m, H_m, W_m)`` and
            ``(N, C_m, L)`` for a joint whose operator fuses maps.
        presence: ``{modality: bool (N,)}``; what it does not name is present. On the
            host, as the recognizer gives it, no step waits for the device.
        lengths: ``{modality: (N,)}``: steps from there on are padding. None, and what
            it does not name: all steps are real.
        window: Begin and end of each clip in seconds, ``(N, 2)``. None: not known.
        grids: ``{modality: StepGrid}`` of streams whose steps do not cover all of the
            clip, as networks without padding over time.
        common: Whether the features are on common steps already: nothing is averaged,
            and the steps are equal parts of ``window``.
    """

    feats: Mapping[str, Tensor]
    presence: Mapping[str, Tensor]
    lengths: Mapping[str, Tensor] | None = None
    window: Tensor | None = None
    grids: Mapping[str, StepGrid] | None = None
    common: bool = False

    @property
    def like(self) -> Tensor:
        """A tensor of N rows, for their number and the device."""
        return next(iter(self.feats.values()))

    def lengths_of(self, name: str) -> Tensor | None:
        """None, too, of a stream that did not run: its only step is real."""
        if self.lengths is None or self.feats[name].shape[1] == 1:
            return None
        return self.lengths.get(name)

    def grid_of(self, name: str) -> StepGrid | None:
        return None if self.grids is None else self.grids.get(name)

    def rows(self, index: Tensor) -> Features:
        """Some of the clips, ``(K,)``; ``presence`` is of these alone already."""

        def take(value: Tensor) -> Tensor:
            return value[to_device(index, value.device)]

        lengths = None
        if self.lengths is not None:
            lengths = {name: take(value) for name, value in self.lengths.items()}
        return self._replace(
            feats={name: take(feat) for name, feat in self.feats.items()},
            lengths=lengths,
            window=None if self.window is None else take(self.window),
        )
