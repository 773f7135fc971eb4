"""The report on modalities as one picture."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure

from .outcomes import full_subset, pair_measures, presence_measures
from .report import in_words

MOST_CLASSES = 40
_CASES = (("both right", "#4c9f70"), ("only the first", "#8ecae6"),
          ("only the second", "#ffb703"), ("both wrong", "#bbbbbb"))  # fmt: skip


def draw_report(report: Mapping) -> Figure:
    """Subsets, Shapley values, pairs, classes and weights over time.

    Drawn without a display, and whatever matplotlib's backend is. Of more than 40
    classes, those are shown whose Shapley values are the largest.
    """
    classes = _most_telling(report)
    weights = report["overall"]["weights"]
    height = 1.8 + 0.26 * max(len(classes), 1)
    figure = Figure(figsize=(17 if weights else 13, 3.8 + height), layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(wspace=0.05)
    top, bottom = figure.subfigures(2, 1, height_ratios=[3.8, height])
    subsets, values, pairs, *rest = top.subplots(1, 4 if weights else 3)
    _draw_subsets(subsets, report)
    _draw_shapley(values, report)
    _draw_pairs(pairs, report)
    if weights:
        _draw_weights(rest[0], report)
    if classes:
        _draw_classes(bottom, report, classes)
    return figure


def _draw_subsets(axes: Axes, report: Mapping) -> None:
    overall, subsets, worth = report["overall"], report["subsets"], report["worth"]
    full = full_subset(subsets)
    scale, unit, _ = _units(report)
    accuracies = [
        scale * overall["measures"][f"{worth}/{subset}"] for subset in subsets
    ]
    widest = 100 if unit == "%" else max(*accuracies, 1e-6)
    colours = ["#1d3557" if subset == full else "#8aa6c1" for subset in subsets]
    axes.barh(subsets, accuracies, color=colours)
    for subset, accuracy in zip(subsets, accuracies):
        axes.text(1.18 * widest, subset, f"{accuracy:.1f}", ha="right", va="center")
    streams = {
        name: 100 * overall["measures"][f"{worth}/stream_{name}"]
        for name in report["modalities"]
        if f"{worth}/stream_{name}" in overall["measures"]
    }
    if streams:
        label = "the stream's own classifier"
        axes.plot(
            list(streams.values()), list(streams), "D", color="#e76f51", label=label
        )
        _legend_below(axes)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.2 * widest)
    if unit == "%":
        axes.set_xticks(range(0, 101, 20))
    axes.set_xlabel(f"{in_words(worth)}, {unit}")
    title = f"{_titled(worth)} by modalities used, {overall['samples']} samples"
    axes.set_title(title)


def _draw_shapley(axes: Axes, report: Mapping) -> None:
    measures, names = report["overall"]["measures"], report["modalities"]
    scale, _, points = _units(report)
    values = np.array([scale * measures[f"shapley/{name}"] for name in names])
    bars = axes.bar(names, values, color=_colours(report), width=0.6)
    axes.bar_label(bars, fmt="%+.1f", padding=2)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.margins(y=0.15)
    title = f"Shapley values, sum {values.sum():+.1f} {points}"
    notes = [_presence_note(name, report) for name in names]
    if any(notes):
        partial = [name for name, note in zip(names, notes) if note]
        owned = [
            100 * measures[presence_measures(name, report["worth"])[3]]
            for name in partial
        ]
        axes.plot(partial, owned, "kD")
        title += "\n(diamond: over files that have it)"
        ticks = [f"{name}{note}" for name, note in zip(names, notes)]
        axes.set_xticks(range(len(names)), ticks, fontsize="small")
    axes.set_title(title)


def _presence_note(name: str, report: Mapping) -> str:
    """Accuracy with and without a modality, in lines; empty if no file lacks it."""
    measures = report["overall"]["measures"]
    *accuracies, gain = presence_measures(name, report["worth"])
    if gain not in measures:
        return ""
    parts = zip(("with it", "taken away", "without it"), accuracies)
    return "".join(
        f"\n{part}: {100 * measures[measure]:.0f} %" for part, measure in parts
    )


def _draw_pairs(axes: Axes, report: Mapping) -> None:
    measures = report["overall"]["measures"]
    pairs = [
        pair
        for pair in combinations(report["modalities"], 2)
        if pair_measures(*pair)[0] in measures
    ]
    axes.set_title("Each alone: who is right")
    if not pairs:
        axes.set_axis_off()
        why = "no two modalities"
        if report["worth"] != "acc":
            why = "no right and wrong: several classes, or degrees"
        axes.text(0.5, 0.5, why, ha="center", va="center")
        return
    names = [f"{first},\n{second}" for first, second in pairs]
    left = np.zeros(len(pairs))
    for case, (label, colour) in enumerate(_CASES):
        shares = [100 * measures[pair_measures(*pair)[case]] for pair in pairs]
        bars = axes.barh(names, shares, left=left, color=colour, label=label)
        shown = [f"{share:.0f}" if share >= 4 else "" for share in shares]
        axes.bar_label(bars, shown, label_type="center")
        left += shares
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("samples that have both, %")
    _legend_below(axes)


def _draw_classes(figure: SubFigure, report: Mapping, classes: list) -> None:
    subsets, names = report["subsets"], report["modalities"]
    accuracies, values = figure.subplots(
        1, 2, sharey=True, width_ratios=[len(subsets) + 1, len(names) + 1]
    )
    total = len(report["classes"])
    which = f"{len(classes)} of {total} classes" if len(classes) < total else "class"
    worth = report["worth"]
    measures = [f"{worth}/{subset}" for subset in subsets]
    _draw_heat(accuracies, classes, measures, "Blues", (0, 100), "{:.0f}")
    accuracies.set_title(f"{_titled(worth)} by {which} and modalities used, %")
    measures = [f"shapley/{name}" for name in names]
    largest = 100 * max(max(_largest(one, names) for one in classes), 0.01)
    limits = (-largest, largest)
    _draw_heat(values, classes, measures, "RdBu", limits, "{:+.0f}")
    values.set_title(f"Shapley values by {which}, points")
    # a dollar sign would start a formula
    labels = [one["name"][:40].replace("$", r"\$") for one in classes]
    accuracies.set_yticks(range(len(classes)), labels, fontsize="small")


def _draw_heat(
    axes: Axes,
    classes: list,
    measures: list[str],
    colours: str,
    limits: tuple[float, float],
    form: str,
) -> None:
    """A cell for each class and measure, with its number in it."""
    values = 100 * np.array([[one["measures"][m] for m in measures] for one in classes])
    low, high = limits
    axes.imshow(values, cmap=colours, vmin=low, vmax=high, aspect="auto")
    names = [measure.split("/")[1].replace("+", "\n+") for measure in measures]
    axes.set_xticks(range(len(measures)), names, fontsize="small")
    for row, column in np.ndindex(values.shape):
        value = values[row, column]
        colour = "white" if abs(value) > 0.6 * high else "black"
        number = form.format(round(value) + 0.0)  # no minus before a zero
        text = axes.text(column, row, number, color=colour, fontsize=7)
        text.set(ha="center", va="center", in_layout=False)  # hundreds: slow


def _draw_weights(axes: Axes, report: Mapping) -> None:
    weights = report["overall"]["weights"]
    colours = dict(zip(report["modalities"], _colours(report)))
    steps = len(next(iter(weights.values())))
    for name, shares in weights.items():
        if steps == 1:
            bars = axes.bar(name, 100 * shares[0], color=colours[name], width=0.6)
            axes.bar_label(bars, fmt="%.1f", padding=2)
        else:
            percent = 100 * np.array(shares)
            axes.plot(range(steps), percent, "o-", color=colours[name], label=name)
    if steps > 1:
        axes.set_xlabel("time step")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend()
    axes.set_ylim(0, 115 * max(0.01, *map(max, weights.values())))
    axes.set_ylabel("share, %")
    axes.set_title("Mean weight where present")


def _units(report: Mapping) -> tuple[float, str, str]:
    """What values are multiplied by, and the units of them and of differences."""
    unit = report["unit"]
    return (100, "%", "points") if unit == "%" else (1, unit, unit)


def _titled(worth: str) -> str:
    words = in_words(worth)
    return words[0].upper() + words[1:]


def _colours(report: Mapping) -> list[str]:
    return [f"C{place}" for place in range(len(report["modalities"]))]


def _most_telling(report: Mapping) -> list:
    """At most so many classes as fit, in order of their labels."""
    classes = report["classes"]
    if len(classes) <= MOST_CLASSES:
        return classes
    names = report["modalities"]
    chosen = sorted(classes, key=lambda one: _largest(one, names), reverse=True)
    return sorted(chosen[:MOST_CLASSES], key=lambda one: one["label"])


def _largest(group: Mapping, names: list[str]) -> float:
    return max(abs(group["measures"][f"shapley/{name}"]) for name in names)


def _legend_below(axes: Axes) -> None:
    axes.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2, fontsize="small"
    )
