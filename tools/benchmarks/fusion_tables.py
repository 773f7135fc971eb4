"""The tables of docs/fusion.md from the runs."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from fusion_runs import JOINT, RECIPE
from fusion_settings import SETTINGS

ALONE = " alone"


def mean_and_spread(rows: Iterable[dict]) -> str:
    """Accuracy in percent, ``mean ± standard deviation`` over the seeds."""
    values = [100 * row["accuracy"] for row in rows]
    if not values:
        return ""
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}{spread}"


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def best_alone(rows: Iterable[dict]) -> list[dict]:
    """The runs of the stream that, alone, is best in the mean."""
    streams: dict[str, list[dict]] = {}
    for row in rows:
        if row["strategy"].endswith(ALONE):
            streams.setdefault(row["strategy"], []).append(row)
    if not streams:
        return []
    return max(
        streams.values(), key=lambda runs: statistics.mean(r["accuracy"] for r in runs)
    )


def accuracy_table(rows: list[dict], key: str, strategies: Sequence[str]) -> str:
    """Operators (or, with ``key='strategy'``, strategies) by settings.

    A column is a setting and one of ``strategies``; those without runs are left out.
    """
    alone = [row for row in rows if row["strategy"].endswith(ALONE)]
    together = [row for row in rows if not row["strategy"].endswith(ALONE)]
    columns = []
    for setting in SETTINGS:
        for strategy in strategies:
            runs = [
                row
                for row in together
                if row["setting"] == setting
                and (key == "strategy" or row["strategy"] == strategy)
            ]
            # The plain column has all operators, the others what there is to compare.
            if len({row["operator"] for row in runs}) > (strategy != JOINT):
                columns.append((setting, strategy, runs))
    header, bounds, best = [key], ["bound"], ["best stream alone"]
    for setting, strategy, _ in columns:
        title = SETTINGS[setting].title
        header.append(title if strategy == JOINT else f"{title}; {strategy}")
        bounds.append(f"{100 * SETTINGS[setting].bound:.0f}")
        runs = [row for row in alone if row["setting"] == setting]
        best.append(mean_and_spread(best_alone(runs)))
    lines = [bounds, best]
    for value in dict.fromkeys(row[key] for row in together):
        name = f"`{value}`" if key == "operator" else value
        cells = [[r for r in runs if r[key] == value] for _, _, runs in columns]
        lines.append([name, *map(mean_and_spread, cells)])
    return markdown(header, lines)


def cost_table(cost: list[dict]) -> str:
    lines = [
        [
            f"`{row['operator']}`",
            f"{row['parameters']:,}",
            f"{row['multiply_adds'] / 1e6:.2f}",
            f"{row['time_ratio']:.1f}",
            f"{row['time_quartiles'][0]:.1f}..{row['time_quartiles'][1]:.1f}",
        ]
        for row in cost
    ]
    header = ["operator", "parameters", "10^6 MACs", "time", "quartiles of time"]
    return markdown(header, lines)


def write_tables(rows: list[dict], cost: list[dict] | None, default: str) -> str:
    """All tables; ``default`` is the operator that the strategies were tried with."""
    parts = ["Accuracy in %, mean ± standard deviation over seeds.", ""]
    parts += [accuracy_table(rows, "operator", (JOINT, RECIPE))]
    tried = [r for r in rows if r["operator"] == default or ALONE in r["strategy"]]
    if any(r["strategy"] != JOINT and ALONE not in r["strategy"] for r in tried):
        parts += ["", f"Strategies with `{default}`.", ""]
        parts += [accuracy_table(tried, "strategy", (JOINT,))]
    if cost is not None:
        parts += ["", "Cost.", "", cost_table(cost)]
    return "\n".join(parts) + "\n"
