"""What a head reads: the streams of a batch, fused on demand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor, nn

from ..layers import to_device
from .features import Features
from .spans import cut_features
from .subsets import presence_of_rows, presence_of_subset, subsets_of, take_away

if TYPE_CHECKING:
    from .joint import Joint


class Steps(NamedTuple):
    """Fused features over time, as ``extract_feat(stage='steps')`` gives them.

    Args:
        fused: ``(N, T, D)`` of N clips.
        presence: ``{modality: bool (N,)}``.
        valid: Real steps of each clip, ``(N,)``; None: all.
        seconds: Begin and end of each step, ``(N, T, 2)``; None: the samples do not say
            when their clips begin.
        aligned: What was fused, ``{modality: (N, T, D_m)}``: features of each stream on
            these steps. None of operators that fuse maps.
    """

    fused: Tensor
    presence: dict[str, Tensor]
    valid: Tensor | None = None
    seconds: Tensor | None = None
    aligned: dict[str, Tensor] | None = None


class Fused:
    """Features of N clips behind a joint. Each form is computed once, when asked for.

    Args:
        joint: Fuses.
        features: Of the streams; those of ``source`` with the presence of these clips.
        source: The same clips with another presence. What it has computed before the
            operator is used again, not computed again.
        rows: Which clips of ``source`` these are, ``(K,)``. None: all.
    """

    def __init__(
        self,
        joint: Joint,
        features: Features,
        source: Fused | None = None,
        rows: Tensor | None = None,
    ) -> None:
        self.joint = joint
        self._features = features
        self._source = source
        self._rows = rows

    @cached_property
    def features(self) -> Features:
        """Of the streams, with the presence of these clips."""
        if self._rows is None:
            return self._features
        return self._features.rows(self._rows)

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the streams, in the config's order."""
        return tuple(self.joint.in_channels)

    @property
    def presence(self) -> Mapping[str, Tensor]:
        """``{modality: bool (N,)}``; what it does not name is present."""
        return self._features.presence

    @cached_property
    def vector(self) -> Tensor:
        """One feature a clip, ``(N, D)``.

        Scores ``(N, num_classes)`` if the joint's operator is one of scores.
        """
        return self.joint.fuse(self.read, self.presence, self.valid)

    @cached_property
    def steps(self) -> Tensor:
        """One feature a time step, ``(N, T, D)``."""
        return self.joint.fuse_steps(self.aligned, self.presence)

    @cached_property
    def streams(self) -> dict[str, Tensor]:
        """``{modality: (N, D_m)}`` of the streams that are reduced one by one."""
        return self._from_source("streams") or self.joint.reduce(self.features)

    @property
    def stream_classifiers(self) -> Mapping[str, nn.Module]:
        """``{modality: module}``: the classifiers of an operator of scores."""
        return self.joint.fusion.classifiers

    @cached_property
    def read(self) -> dict[str, Tensor]:
        """What the operator reads to give :attr:`vector`."""
        return self._from_source("read") or self.joint.prepare(self)

    @cached_property
    def aligned(self) -> dict[str, Tensor]:
        """What the operator reads to give :attr:`steps`."""
        return self._from_source("aligned") or self.joint.align(self.features)

    def _from_source(self, form: str) -> dict[str, Tensor] | None:
        if self._source is None:
            return None
        values = getattr(self._source, form)
        if self._rows is None:
            return values
        return {name: value[self._rows] for name, value in values.items()}

    @property
    def valid(self) -> Tensor | None:
        """Real steps of each clip, ``(N,)``; None: all of them."""
        return self.joint.valid(self.features)

    @cached_property
    def seconds(self) -> Tensor | None:
        """Begin and end of each step, ``(N, T, 2)``; None: not known."""
        # operators of features give a step for each that they read
        read = [self.steps] if self.joint.takes_maps else list(self.aligned.values())
        return self.joint.seconds(self.features, read[0].shape[1])

    def as_steps(self) -> Steps:
        aligned = None if self.joint.takes_maps else dict(self.aligned)
        presence = dict(self.presence)
        return Steps(self.steps, presence, self.valid, self.seconds, aligned)

    def weights(self) -> dict[str, Tensor]:
        """``{modality: (N, T)}``: its share in the fusion; empty if there is none."""
        operator = self.joint.fusion
        if not hasattr(operator, "weights"):
            return {}
        return operator.weights(self.read, self.presence)

    def only(self, *members: str) -> Fused:
        """The same clips with all but some modalities taken away.

        The streams do not run again, nor what comes before the operator.
        """
        presence = presence_of_subset(
            members, self.modalities, self.presence, self.features.like
        )
        return Fused(self.joint, self.features._replace(presence=presence), self)

    def subsets(self) -> Iterator[tuple[str, Fused]]:
        """Each subset of the modalities, by name, from ``'none'`` to all of them."""
        for name, members in subsets_of(self.modalities):
            yield name, self.only(*members)

    def without(self, name: str) -> tuple[Tensor, Fused]:
        """The clips that have a modality, without it.

        Returns:
            Their rows ``(K,)``, and these clips without it.
        """
        rows, presence = take_away(name, self.presence, self.features.like)
        features = self.features._replace(presence=presence)
        return rows, Fused(self.joint, features, self, rows)

    def rows(self, index: Tensor) -> Fused:
        """Some of the clips, ``(K,)``; only the operator runs again."""
        presence = presence_of_rows(index, self.presence)
        features = self.features._replace(presence=presence)
        index = to_device(index, features.like.device)
        return Fused(self.joint, features, self, index)

    def between(self, spans: Tensor, rows: Tensor) -> Fused:
        """Spans of time as clips of their own.

        The streams do not run again. Each holds the steps whose middle lies in it, at
        least one; shorter ones are padded, and :attr:`valid` says how many are real.

        Args:
            spans: Begin and end in seconds, ``(K, 2)``.
            rows: Which clip each is of, ``(K,)``.

        Raises:
            ValueError: The steps do not say when they are, the operator fuses maps, or
                a span or row is none.
        """
        return Fused(self.joint, cut_features(self, spans, rows))
