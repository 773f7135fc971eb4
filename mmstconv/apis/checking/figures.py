"""Histograms of what files are."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ...media.checking.file_check import FileCheck
from .summary import counts

BINS = 30
BARS = 12  # values that are named


def draw_checks(checks: Sequence[FileCheck]) -> Figure:
    """Durations, short sides, rates and sound of the files that can be used.

    Drawn without a display, and whatever matplotlib's backend is.
    """
    figure = Figure(figsize=(11, 7), layout="constrained")
    FigureCanvasAgg(figure)
    (durations, sides), (rates, sound) = figure.subplots(2, 2)
    usable = [check for check in checks if check.error is None]
    films = [check for check in usable if check.codec]
    durations.hist([check.duration for check in usable], BINS)
    durations.set_xlabel("duration, s")
    sides.hist([min(check.width, check.height) for check in films], BINS)
    sides.set_xlabel("short side, pixels")
    rates.hist([check.rate for check in films], BINS)
    rates.set_xlabel("frames a second")
    found = counts(checks)["sound"].most_common(BARS)[::-1]
    bars = sound.barh([name for name, _ in found], [number for _, number in found])
    sound.bar_label(bars, padding=2)
    sound.set_xlabel("files with sound of a kind")
    for axes in (durations, sides, rates):
        axes.set_ylabel("files")
    return figure
