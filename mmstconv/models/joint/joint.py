"""From the streams to one sequence of features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule, ModuleDict
from torch import Tensor, nn

from ...modalities import per_stream
from ..fusion.operators import build_operator
from ..layers import (
    StepGrid,
    align_edges,
    align_steps,
    edges_of,
    length_mask,
    pool_space,
    stretch_steps,
)
from .features import Features
from .fused import Fused

DEFAULT_FUSION = MappingProxyType({"type": "GatedMultimodalUnit"})


@MODELS.register_module()
class Joint(BaseModule):
    """Fuse the streams, over time or to one feature a clip.

    Operators of three kinds fit: of features, of scores (``gives_scores``; their output
    is the answer of a classification head), and of feature maps (``takes_maps``). See
    ``models/fusion``.

    For heads that read time (:attr:`Fused.steps`) the streams are averaged onto common
    steps and fused step by step. For heads that want one vector (:attr:`Fused.vector`)
    each stream is reduced over time, then they are fused; with ``steps``, and for
    operators of maps, they are fused first.

    Args:
        in_channels: Channels of each stream, ``{modality: D_m}``; the recognizer takes
            them from the streams.
        fusion: Config of the fusion operator. None: ``GatedMultimodalUnit``, which
            wants auxiliary losses (docs/fusion.md).
        temporal: Config of the reduction over time: one for all streams, or one per
            stream. None: ``dict(type='LastState')``.
        steps: Common time steps of a clip. None: as many as the stream with the fewest
            has that runs.
        over_time: What the head reads: ``'vector'``, or ``'steps'``; then nothing is
            built that reduces time. The recognizer takes it from the head.
        reads_streams: Streams that the head reads one by one, reduced over time.
        scores: What an operator of scores has to know of the head: ``num_classes``,
            ``sigmoids`` (whether its loss takes a sigmoid of each score) and
            ``dropout`` before the classifiers.
        init_cfg: Initialisation config.

    Shape:
        - Input: :class:`Features` of N clips.
        - Output: :class:`Fused`: ``vector`` ``(N, out_channels)``, ``steps``
          ``(N, T, out_channels)``.

    Raises:
        ValueError: An argument does not fit the streams; names it.
    """

    def __init__(
        self,
        in_channels: Mapping[str, int],
        *,
        fusion: Mapping | None = None,
        temporal: Mapping | None = None,
        steps: int | None = None,
        over_time: str = "vector",
        reads_streams: Sequence[str] = (),
        scores: Mapping | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if not isinstance(in_channels, Mapping) or not in_channels:
            raise ValueError(
                "joint.in_channels: expected the channels of each stream, such as "
                f"dict(rgb=512, audio=128), got {in_channels!r}"
            )
        if over_time not in ("vector", "steps"):
            raise ValueError(
                f"over_time is {over_time!r}, must be 'vector' or 'steps': what the "
                "head reads"
            )
        if steps is not None and (type(steps) is not int or steps < 1):
            raise ValueError(
                f"joint.steps is {steps!r}, expected a whole number from 1 on, or None"
            )
        self.in_channels = dict(in_channels)
        self.steps = steps
        self.fusion = build_operator(fusion or DEFAULT_FUSION, self.in_channels, scores)
        self.out_channels = self.fusion.out_channels
        temporal = temporal or {"type": "LastState"}
        temporal = per_stream(temporal, "joint.temporal", in_channels)
        wants_vector = over_time == "vector"
        fuses_first = self.fusion.takes_maps or steps is not None
        # Layers that nothing reads would be parameters without a gradient.
        self.temporal = ModuleDict(
            {
                name: MODELS.build(dict(temporal[name], in_channels=channels))
                for name, channels in self.in_channels.items()
                if name in reads_streams or (wants_vector and not fuses_first)
            }
        )
        self.fused_temporal: nn.Module | None = None
        if wants_vector and fuses_first:
            kinds = list(temporal.values())
            if any(kind != kinds[0] for kind in kinds):
                raise ValueError(
                    "joint.temporal: what is fused before it is reduced over time "
                    f"needs one value for all streams, got {temporal}"
                )
            self.fused_temporal = MODELS.build(
                dict(kinds[0], in_channels=self.out_channels)
            )
        dropout = (scores or {}).get("dropout", 0.0)
        self.dropout = nn.Dropout(dropout if self.fusion.gives_scores else 0.0)

    @property
    def takes_maps(self) -> bool:
        """Whether it reads the maps of the backbones; necks do not run then."""
        return self.fusion.takes_maps

    def forward(self, features: Features) -> Fused:
        return Fused(self, features)

    def reduce(self, features: Features) -> dict[str, Tensor]:
        """``{modality: (N, D_m)}`` of the streams that are read reduced over time."""
        reduced = {}
        for name, layer in self.temporal.items():
            x = features.feats[name]
            x = pool_space(x) if self.takes_maps else x  # (N, T_m, D_m)
            reduced[name] = layer(x, features.lengths_of(name))
        return reduced

    def prepare(self, fused: Fused) -> dict[str, Tensor]:
        """What the operator reads to fuse one vector a clip."""
        if self.takes_maps or self.steps is not None:
            return fused.aligned
        if len(fused.streams) < len(self.in_channels):
            raise ValueError(
                "this joint gives steps only: its head says over_time='steps', so "
                "nothing was built that reduces time"
            )
        return {name: x[:, None] for name, x in fused.streams.items()}  # (N, 1, D_m)

    def fuse(
        self,
        read: Mapping[str, Tensor],
        presence: Mapping[str, Tensor],
        valid: Tensor | None = None,
    ) -> Tensor:
        """What the operator reads to one feature a clip, ``(N, D)``.

        Args:
            read: As :meth:`prepare` gives it.
            presence: ``{modality: bool (N,)}``.
            valid: Real steps of each clip, ``(N,)``; None: all of them.
        """
        if self.fusion.gives_scores:  # its classifiers come first
            read = {name: self.dropout(x) for name, x in read.items()}
        fused = self.fusion(read, presence)  # (N, T, D)
        if self.fused_temporal is None:
            return fused[:, 0]  # (N, D)
        return self.fused_temporal(fused, valid)  # (N, D)

    def align(self, features: Features) -> dict[str, Tensor]:
        """``{modality: (N, T, D_m)}`` on common steps; maps as they are.

        Raises:
            ValueError: Padded sequences of different lengths, and no ``steps``.
        """
        if self.takes_maps:
            return dict(features.feats)
        if features.common:
            return {
                name: _without_padding(x, features.lengths_of(name))
                for name, x in features.feats.items()
            }
        if features.lengths is not None:
            return self._align_padded(features)
        grid, steps = self._common_steps(features)
        aligned = {}
        for name, x in features.feats.items():
            own = features.grid_of(name)
            # A stream that did not run gives one step of zeros, for all of the clip.
            if x.shape[1] == 1 or (own is None and grid is None):
                aligned[name] = align_steps(x, steps)
            elif own == grid and x.shape[1] == steps:
                aligned[name] = x
            else:
                own_edges = edges_of(own, x.shape[1], x)
                aligned[name] = align_edges(x, own_edges, edges_of(grid, steps, x))
        return aligned

    def _common_steps(self, features: Features) -> tuple[StepGrid | None, int]:
        """Where in the clip the common steps lie, and how many they are."""
        ran = {name: x.shape[1] for name, x in features.feats.items() if x.shape[1] > 1}
        if not ran:
            return None, self.steps or 1
        if self.steps is None:
            name = min(ran, key=ran.__getitem__)
            return features.grid_of(name), ran[name]
        for name, steps in ran.items():
            grid = features.grid_of(name)
            if grid is not None:  # what its network sees of the clip, in equal parts
                width = grid.width * steps / self.steps
                return grid._replace(width=width), self.steps
        return None, self.steps

    def _align_padded(self, features: Features) -> dict[str, Tensor]:
        lengths = {name: features.lengths_of(name) for name in self.in_channels}
        feats = {
            name: _without_padding(features.feats[name], lengths[name])
            for name in self.in_channels
        }
        if self.steps is not None:
            return {
                name: _stretched(x, lengths[name], self.steps)
                for name, x in feats.items()
            }
        ran = [name for name, x in feats.items() if x.shape[1] > 1]
        for name in ran[1:]:
            same = feats[name].shape[1] == feats[ran[0]].shape[1]
            if not same or not _equal(lengths[name], lengths[ran[0]]):
                raise ValueError(
                    f"streams {ran[0]!r} and {name!r} have sequences of different "
                    "lengths: give the joint steps=..., onto which they are averaged"
                )
        steps = feats[ran[0]].shape[1] if ran else 1
        return {name: align_steps(x, steps) for name, x in feats.items()}

    def fuse_steps(
        self, aligned: Mapping[str, Tensor], presence: Mapping[str, Tensor]
    ) -> Tensor:
        """Aligned features to one feature a step, ``(N, T, D)``."""
        return self.fusion(aligned, presence)

    def valid(self, features: Features) -> Tensor | None:
        """Real steps of each clip, ``(N,)``; None: all of them."""
        resampled = self.steps is not None and not features.common
        if features.lengths is None or resampled:
            return None
        lengths = map(features.lengths_of, self.in_channels)
        return next((one for one in lengths if one is not None), None)

    def seconds(self, features: Features, steps: int) -> Tensor | None:
        """Begin and end of each step, ``(N, T, 2)``; None: it is not known."""
        if features.window is None:
            return None
        grid = None
        own = not (self.takes_maps or features.common)
        if own and features.lengths is None:
            grid, _ = self._common_steps(features)
        edges = edges_of(grid, steps, features.window)  # (T + 1,)
        begin, end = features.window[:, :1], features.window[:, 1:]  # (N, 1)
        edges = begin + edges * (end - begin)  # (N, T + 1)
        return torch.stack([edges[:, :-1], edges[:, 1:]], dim=2)


def _equal(one: Tensor | None, other: Tensor | None) -> bool:
    if one is None or other is None:
        return one is other
    return torch.equal(one.cpu(), other.cpu())


def _without_padding(x: Tensor, lengths: Tensor | None) -> Tensor:
    """``(N, T, D)`` with zeros behind the real steps."""
    if lengths is None:
        return x
    return torch.where(length_mask(lengths, x)[:, :, None], x, x.new_zeros(()))


def _stretched(x: Tensor, lengths: Tensor | None, steps: int) -> Tensor:
    """The real steps of a padded ``(N, T, D)`` averaged onto ``steps``."""
    if lengths is None:
        return align_steps(x, steps)
    return stretch_steps(x, lengths, steps)
