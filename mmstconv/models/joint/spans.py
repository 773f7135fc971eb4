"""Steps of spans of time, cut out of longer sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..layers import to_device
from .features import Features
from .subsets import presence_of_rows

if TYPE_CHECKING:
    from .fused import Fused


def cut_features(fused: Fused, spans: Tensor, rows: Tensor) -> Features:
    """What K spans hold, on the joint's common steps, padded at the end.

    Args:
        fused: N clips whose steps have ``seconds``.
        spans: Begin and end in seconds, ``(K, 2)``. A step is in a span that has its
            middle, from the begin on and before the end. A span that has none gets the
            real step whose middle is nearest its own.
        rows: Which clip each is of, ``(K,)``.

    Returns:
        Features of K clips; ``lengths`` says how many steps are real, ``window`` when
        those of each begin and, padding included, end.

    Raises:
        ValueError: The clips do not say when they are, the operator fuses maps, or the
            arguments do not fit each other or the clips.
    """
    _check(fused, spans, rows)
    edges, real = fused.seconds, fused.valid  # (N, T, 2)
    rows = to_device(rows, edges.device)
    if real is not None:
        real = to_device(real, edges.device)[rows]
    first, count = _steps_inside(edges[rows], real, spans)
    longest = int(count.max()) if len(count) else 1
    steps = torch.arange(longest, device=first.device)  # (L,)
    index = (first[:, None] + steps).clamp(max=edges.shape[1] - 1)  # (K, L)
    feats = {
        name: x[to_device(rows, x.device)[:, None], to_device(index, x.device)]
        for name, x in fused.aligned.items()
    }  # (K, L, D_m)
    begin = edges[rows, first, 0]
    step = edges[rows, first, 1] - begin
    return Features(
        feats,
        presence_of_rows(rows, fused.presence),
        dict.fromkeys(feats, count),
        torch.stack([begin, begin + longest * step], dim=1),
        common=True,
    )


def _steps_inside(
    edges: Tensor, real: Tensor | None, spans: Tensor
) -> tuple[Tensor, Tensor]:
    """The first step of each span and how many it has, each ``(K,)``.

    Args:
        edges: Begin and end of the steps, ``(K, T, 2)``.
        real: How many are no padding, ``(K,)``; None: all.
        spans: ``(K, 2)``.
    """
    spans = to_device(spans, edges.device).to(edges.dtype)
    middles = edges.mean(2)  # (K, T)
    inside = (middles >= spans[:, :1]) & (middles < spans[:, 1:])
    away = (middles - spans.mean(1, keepdim=True)).abs()
    if real is not None:
        padding = torch.arange(edges.shape[1], device=edges.device) >= real[:, None]
        inside &= ~padding
        away = away.masked_fill(padding, float("inf"))
    count = inside.sum(1)
    first = torch.where(count > 0, inside.int().argmax(1), away.argmin(1))
    return first, count.clamp(min=1)


def _check(fused: Fused, spans: Tensor, rows: Tensor) -> None:
    if fused.joint.takes_maps:
        raise ValueError(
            f"{type(fused.joint.fusion).__name__} fuses maps of whole clips: spans of "
            "time cannot be cut out of them; choose an operator of features"
        )
    if fused.seconds is None:
        raise ValueError(
            "spans of time need the seconds of each step, but the data samples do not "
            "say them: put clip_starts and clip_duration into their metainfo "
            "(meta_keys of the pipeline's last transform)"
        )
    if spans.ndim != 2 or spans.shape[1] != 2 or rows.shape != spans.shape[:1]:
        raise ValueError(
            "expected spans (K, 2) and a row for each, (K,), got shapes "
            f"{tuple(spans.shape)} and {tuple(rows.shape)}"
        )
    clips = len(fused.seconds)
    if len(rows) and not (0 <= int(rows.min()) and int(rows.max()) < clips):
        raise ValueError(f"rows must be in 0..{clips - 1}, got {rows.tolist()}")
    if not bool((spans[:, 0] <= spans[:, 1]).all()):
        raise ValueError(f"a span ends before it begins: {spans.tolist()}")
