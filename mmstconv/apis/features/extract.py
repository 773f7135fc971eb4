"""Features along a file, aligned in time across the modalities."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
from torch import nn

from ...datasets.film_steps import FilmSteps, join_film_steps
from ...engine.film_caches import cache_key
from ..film_steps import as_features, film_steps, step_layout
from ..tasks import require_streams
from ..windows import Window
from .rows import FeatureRows, Resampler, mean_row
from .streams_alone import streams_alone

FUSED = "fused"  # what the joint makes of all streams, as if it were a modality
LEVELS = ("steps", "clip")
NAMES_TAKEN = ("seconds", "presence", "metadata", "start", "end")


class FeatureReader:
    """What :func:`extract_features` does, for many files.

    Args:
        model: Of :func:`load_feature_model` or :func:`load_recognizer`.
        modalities: As of :func:`extract_features`, and so are the others.
        level: ``'steps'`` or ``'clip'``.
        rate: Rows per second.
        hop: Frames from one window to the next.

    Raises:
        ValueError: An argument does not fit the model; names it.
    """

    def __init__(
        self,
        model: nn.Module,
        modalities: Sequence[str] | None = None,
        *,
        level: str = "steps",
        rate: float | None = None,
        hop: int | None = None,
    ) -> None:
        require_streams(model)
        if level not in LEVELS:
            raise ValueError(f"level is {level!r}, must be one of {LEVELS}")
        if rate is not None and not 0 < rate < float("inf"):
            raise ValueError(f"rate must be rows per second, above 0; got {rate!r}")
        if rate is not None and level == "clip":
            raise ValueError("level 'clip' gives one row a file: leave rate out")
        self.modalities = _checked(modalities, model)
        self.level = level
        self.rate = rate
        self.fused = FUSED in self.modalities
        self.model = model if self.fused else streams_alone(model, self.modalities)
        self.layout = step_layout(self.model)
        self.hop = self.layout.checked_hop(hop)

    @property
    def widths(self) -> dict[str, int]:
        """``{modality: D_m}``, in the order of :attr:`modalities`."""
        joint = self.model.joint
        known = {**joint.in_channels, FUSED: joint.out_channels}
        return {name: known[name] for name in self.modalities}

    def key(self) -> dict:
        """All that features depend on, but for the file; of JSON's types."""
        key = cache_key(self.model, self.model.cfg.test_pipeline, self.hop)
        options = dict(modalities=self.modalities, level=self.level, rate=self.rate)
        joint = _digest(self.model.joint) if self.fused else None
        return dict(key, joint=joint, **options)

    def rows(
        self,
        path: str | os.PathLike,
        watch: Callable[[Window], None] = lambda window: None,
    ) -> Iterator[FeatureRows]:
        """The rows of a file, in pieces; raises as :func:`extract_features`."""
        layout = self.layout
        pieces = film_steps(self.model, path, self.hop, layout=layout, watch=watch)
        if self.fused:
            pieces = map(self._with_fused, _with_neighbours(pieces))
        pieces = map(self._chosen, pieces)
        first = next(pieces)
        start = first.start - float(layout.first) / layout.fps
        pieces = itertools.chain([first], pieces)
        if self.level == "clip":
            yield mean_row(pieces, start)
        elif self.rate is None:
            for piece in pieces:
                yield FeatureRows(piece.feats, piece.seconds, piece.presence)
        else:
            resampler = Resampler(self.rate, start, first.end)
            for piece in pieces:
                rows = resampler.push(piece)
                if rows.count:
                    yield rows
            rows = resampler.close()
            if rows.count:
                yield rows

    @torch.inference_mode()
    def _with_fused(self, places: tuple[FilmSteps, int, int]) -> FilmSteps:
        """A piece with what the joint makes of it, seen among its neighbours."""
        around, first, count = places
        fused = self.model.joint(as_features(self.model, around)).steps  # (1, T, D)
        piece = around.part(first, count)
        fused = fused[0, first : first + count].float().cpu().numpy()
        return piece._replace(
            feats={**piece.feats, FUSED: fused},
            presence={**piece.presence, FUSED: any(piece.presence.values())},
        )

    def _chosen(self, piece: FilmSteps) -> FilmSteps:
        """A piece with the features that were asked for, in their order."""
        return piece._replace(
            feats={name: piece.feats[name] for name in self.modalities},
            presence={name: piece.presence[name] for name in self.modalities},
        )


def extract_features(
    model: nn.Module,
    path: str | os.PathLike,
    modalities: Sequence[str] | None = None,
    *,
    level: str = "steps",
    rate: float | None = None,
    hop: int | None = None,
) -> Iterator[FeatureRows]:
    """Features of a file, row by row, the same times in all modalities.

    Rows are the steps of :func:`film_steps`: what the streams say of overlapping
    windows, averaged onto common steps of time. Only the streams of the modalities that
    are asked for run. Memory does not grow.

    Args:
        model: Of :func:`load_feature_model`, or of :func:`load_recognizer`.
        path: The video file.
        modalities: Of the model's; ``'fused'`` is what its joint makes of all of them,
            step by step. None: all streams.
        level: ``'steps'``: rows along the file; ``'clip'``: one row, their mean.
        rate: Rows per second: row k is of the time from ``k / rate`` seconds after the
            start of the file on, the mean of the steps that it overlaps. None: the
            model's own steps.
        hop: Frames (of the pipeline's rate) from one window to the next; about half a
            window if None.

    Yields:
        :class:`FeatureRows` that follow each other.

    Raises:
        ValueError: An argument does not fit the model; names it.
        FileNotFoundError: There is no such file.
        MediaError: It is no readable video; the message names it.

    Example:
        >>> for rows in extract_features(model, "film.mp4", ["rgb", "audio"], rate=4):
        ...     print(rows.seconds[0], rows.feats["audio"].shape)
    """
    options = dict(level=level, rate=rate, hop=hop)
    yield from FeatureReader(model, modalities, **options).rows(path)


def _checked(modalities: Sequence[str] | None, model: nn.Module) -> list[str]:
    known = [*model.streams, FUSED]
    names = list(modalities or model.streams)
    wrong = [name for name in names if name not in known]
    if wrong or len(set(names)) < len(names):
        raise ValueError(
            f"modalities must be some of {', '.join(known)}, each once; got "
            + ", ".join(map(str, names))
        )
    taken = [name for name in names if name in NAMES_TAKEN]
    if taken:
        raise ValueError(
            f"a modality cannot be called {taken[0]!r} here: rows have a field of that "
            "name"
        )
    return names


def _with_neighbours(
    pieces: Iterable[FilmSteps],
) -> Iterator[tuple[FilmSteps, int, int]]:
    """Each piece within the one before and the one after it.

    Operators that look at neighbouring steps see them across the ends of a piece.

    Yields:
        Steps, the first that is of the piece, and how many are.
    """
    before, here = None, None
    for after in itertools.chain(pieces, [None]):
        if here is not None:
            around = [one for one in (before, here, after) if one is not None]
            first = before.count if before is not None else 0
            yield join_film_steps(around), first, here.count
        before, here = here, after


def _digest(module: nn.Module) -> str:
    """Of a module's weights and settings."""
    digest = hashlib.sha256(repr(module).encode())
    for name, value in sorted(module.state_dict().items()):
        digest.update(name.encode() + b"\0")
        plain = value.detach().cpu().contiguous().flatten()
        digest.update(plain.view(torch.uint8).numpy().data)
    return digest.hexdigest()[:32]
