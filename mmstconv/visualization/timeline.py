"""Events and importance along a film, as pictures."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MultipleLocator

from ..disk import own_file

#: A longer film continues in the line below, in at most so many lines.
LINE_SECONDS = 600.0
MOST_LINES = 12
MOST_CLASSES = 30
#: Lanes of all lines together; more would be a picture that no viewer opens.
MOST_LANES = 180
#: What is shorter than this share of a line is drawn as long as it.
SHORTEST = 1 / 800
#: Seconds between two marks.
TICKS = (0.01, 0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
TRUE_COLOUR = "#444444"
CHOSEN_COLOUR = "#e76f51"


def draw_detections(
    found: Mapping,
    truth: Mapping | None = None,
    *,
    duration: float | None = None,
    class_names: Sequence[str] | None = None,
    title: str = "",
) -> Figure:
    """Detected events over time, a lane for each class, above the true ones.

    The better the score the stronger the colour. True events are grey, in the lower
    part of the lane. Films of more than ten minutes are drawn in several lines. Of
    more than 30 classes those are shown that have the best scores.

    Args:
        found: Anything with ``get`` (an ``InstanceData``, a dict): ``segments``
            ``(K, 2)`` or ``times`` ``(K,)`` in seconds, ``labels`` ``(K,)`` and
            ``scores`` ``(K,)``.
        truth: The same without scores. None: not known.
        duration: Of the film, seconds. None: up to the end of the last event.
        class_names: By label. None: the labels.
        title: Above the picture.

    Raises:
        ValueError: Events have no times.
    """
    spans, labels, scores = _events(found)
    true_spans, true_labels, _ = _events(truth if truth is not None else {"times": []})
    duration = _length(duration, spans, true_spans)
    shown, total = _classes(labels, scores, true_labels)
    lines = _lines(duration, len(shown))
    figure = _figure(len(lines), 0.45 + 0.3 * max(len(shown), 1))
    strength = scores / max(1.0, scores.max(initial=0))
    cmap_colours = {label: f"C{place % 10}" for place, label in enumerate(shown)}
    names = [class_names[label] if class_names else label for label in shown]
    for axes, line in zip(_axes(figure, lines), lines):
        for lane, label in enumerate(shown):
            rows = np.flatnonzero(labels == label)
            rows = rows[np.argsort(strength[rows], kind="stable")]  # the best on top
            base = to_rgba(cmap_colours[label])[:3]
            colours = [(*base, 0.1 + 0.9 * max(one, 0)) for one in strength[rows]]
            _bars(axes, line, spans[rows], (lane - 0.42, 0.5), colours)
            rows = np.flatnonzero(true_labels == label)
            colours = [to_rgba(TRUE_COLOUR)] * len(rows)
            _bars(axes, line, true_spans[rows], (lane + 0.14, 0.24), colours)
        axes.set_ylim(max(len(shown), 1) - 0.5, -0.5)
        ticks = [_plain(str(name)[:30]) for name in names]
        axes.set_yticks(range(len(shown)), ticks, fontsize="small")
    notes = [f"{len(shown)} of {total} classes"] if total > len(shown) else []
    notes += ["grey: true events"] if truth is not None else []
    notes += [] if len(spans) else ["nothing detected"]
    _title(figure, title, notes)
    return figure


def draw_importance(
    importance: Sequence[float],
    step: float,
    *,
    start: float = 0.0,
    shots: Sequence[Sequence[float]] | None = None,
    chosen: Sequence[bool] | None = None,
    truth: Sequence[float] | None = None,
    title: str = "",
) -> Figure:
    """Importance over time, with the edges of shots and those that were chosen.

    Films of more than ten minutes are drawn in several lines.

    Args:
        importance: Of each step, ``(T,)``.
        step: Length of a step, seconds.
        start: Of the first step, seconds.
        shots: Start and end of each, seconds, ``(S, 2)``. None: not known.
        chosen: Which shots are in the summary, ``(S,)``. None: none.
        truth: What users say, ``(T,)``, drawn in grey. None: not known.
        title: Above the picture.
    """
    importance = np.asarray(importance, np.float64)
    edges = start + step * np.arange(len(importance) + 1)
    shots = np.asarray([] if shots is None else shots, np.float64).reshape(-1, 2)
    kept = np.zeros(len(shots), bool) if chosen is None else np.asarray(chosen, bool)
    curves = [(importance, "C0", "predicted")]
    if truth is not None:
        curves.insert(0, (np.asarray(truth, np.float64), "#999999", "users"))
    lines = _lines(_length(None, edges[[0, -1]][None], shots), 4)
    figure = _figure(len(lines), 1.6)
    low = min(0.0, *(values.min(initial=0) for values, *_ in curves))
    high = max(1e-9, *(values.max(initial=0) for values, *_ in curves))
    for axes, line in zip(_axes(figure, lines), lines):
        colours = [to_rgba(CHOSEN_COLOUR, 0.35)] * int(kept.sum())
        height = 1.1 * (high - low)
        _bars(axes, line, shots[kept], (low, height), colours)
        inside = shots[(shots[:, 0] > line[0]) & (shots[:, 0] < line[1]), 0]
        axes.vlines(inside, low, low + height, color="#cccccc", linewidth=0.5)
        for values, colour, label in curves:
            axes.stairs(values, edges, baseline=None, color=colour, label=label)
        axes.set_ylim(low, low + height)
        axes.set_ylabel("importance", fontsize="small")
    if truth is not None:
        figure.axes[0].legend(loc="upper right", fontsize="small")
    notes = [f"{kept.sum()} of {len(shots)} shots chosen"] if len(shots) else []
    _title(figure, title, notes)
    return figure


def save_figure(figure: Figure, path: str | os.PathLike) -> None:
    """As PNG, over nothing that was not written here.

    Raises:
        ForeignFile: There is such a file that was not written here.
    """
    with own_file(path) as part:
        figure.savefig(part, dpi=100, format="png")


def _events(events: Mapping) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spans ``(K, 2)``, labels and scores of events; an instant starts as it ends."""
    spans = events.get("segments")
    if spans is None:
        spans = events.get("times")
        if spans is None:
            raise ValueError("events have neither segments nor times")
        spans = np.repeat(np.asarray(spans, np.float64).reshape(-1, 1), 2, axis=1)
    spans = np.asarray(spans, np.float64).reshape(-1, 2)
    labels = np.asarray(events.get("labels", []), np.int64).reshape(-1)
    scores = events.get("scores")
    scores = np.ones(len(spans)) if scores is None else np.asarray(scores, np.float64)
    return spans, labels, scores


def _length(duration: float | None, *spans: np.ndarray) -> float:
    last = max(one[:, 1].max(initial=0) for one in spans)
    return max(last if duration is None else float(duration), 1e-3)


def _classes(
    labels: np.ndarray, scores: np.ndarray, true_labels: np.ndarray
) -> tuple[list[int], int]:
    """Labels to show, in order, and how many there are."""
    best = {label: 0.0 for label in np.unique(true_labels).tolist()}
    for label in np.unique(labels).tolist():
        best[label] = max(best.get(label, 0.0), scores[labels == label].max())
    shown = sorted(best, key=lambda label: (-best[label], label))[:MOST_CLASSES]
    return sorted(shown), len(best)


def _lines(duration: float, lanes: int) -> list[tuple[float, float]]:
    """Start and end of each line of a picture."""
    most = max(1, min(MOST_LINES, MOST_LANES // max(lanes, 1)))
    count = min(math.ceil(duration / LINE_SECONDS), most)
    edges = np.linspace(0, duration, count + 1).tolist()
    return list(pairwise(edges))


def _figure(lines: int, height: float) -> Figure:
    figure = Figure(figsize=(14, 0.5 + lines * height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _axes(figure: Figure, lines: Sequence[tuple[float, float]]) -> Iterator[Axes]:
    column = figure.subplots(len(lines), 1, squeeze=False)[:, 0]
    for axes, (start, end) in zip(column, lines):
        axes.set_xlim(start, end)
        axes.xaxis.set_major_locator(MultipleLocator(_ticks(end - start)))
        axes.xaxis.set_major_formatter(FuncFormatter(_clock))
        axes.tick_params(axis="x", labelsize="small")
        axes.grid(axis="x", color="#eeeeee")
        axes.set_axisbelow(True)
        yield axes


def _bars(
    axes: Axes,
    line: tuple[float, float],
    spans: np.ndarray,
    lane: tuple[float, float],
    colours: Sequence,
) -> None:
    """What of some spans lies in a line."""
    start, end = line
    shortest = SHORTEST * (end - start)
    here = (spans[:, 1] >= start) & (spans[:, 0] <= end)
    drawn = spans[here].clip(start, end)
    widths = np.maximum(drawn[:, 1] - drawn[:, 0], shortest)
    if here.any():
        kept = [colour for colour, one in zip(colours, here) if one]
        starts = np.minimum(drawn[:, 0], end - widths)
        bars = list(zip(starts.tolist(), widths.tolist()))
        axes.broken_barh(bars, lane, facecolors=kept, linewidth=0)


def _title(figure: Figure, title: str, notes: Sequence[str]) -> None:
    parts = [_plain(title)] if title else []
    if parts or notes:
        figure.suptitle("   ".join([*parts, *notes]), fontsize="medium")


def _plain(text: str) -> str:
    """A name as it can be drawn: bytes that are no text as ``?``, and no formula."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("$", r"\$")


def _ticks(seconds: float) -> float:
    """Between two marks, so that there are at most 15."""
    return next((one for one in TICKS if seconds <= 15 * one), seconds / 15)


def _clock(seconds: float, place: int | None = None) -> str:
    """``1:02:03``, ``2:03`` or ``2:03.5``."""
    minutes, rest = divmod(round(seconds, 2), 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{rest:05.2f}".rstrip("0").rstrip(".")
    return f"{hours}:{minutes:02}:{text}" if hours else f"{minutes}:{text}"
