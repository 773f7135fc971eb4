"""The tables of docs/fusion.md from the runs."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from itertools import product

from fusion_runs import JOINT, RECIPE
from fusion_settings import SETTINGS
from measuring import markdown

ALONE = " alone"


def mean_and_spread(rows: Sequence[dict]) -> str:
    """Accuracy in percent, ``mean ± standard deviation`` over the seeds."""
    values = [100 * row["accuracy"] for row in rows]
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}{spread}" if values else ""


def best_alone(rows: Iterable[dict]) -> list[dict]:
    """The runs of the stream that, alone, is best in the mean."""
    streams: dict[str, list[dict]] = {}
    for row in rows:
        streams.setdefault(row["strategy"], []).append(row)
    return max(streams.values(), key=accuracy, default=[])


def accuracy(rows: Iterable[dict]) -> float:
    return statistics.mean(row["accuracy"] for row in rows)


def accuracy_table(rows: list[dict], key: str, strategies: Sequence[str]) -> str:
    """Operators (or, with ``key='strategy'``, strategies) by settings.

    A column is a setting and one of ``strategies``; those without runs are left out.
    """
    alone = [row for row in rows if row["strategy"].endswith(ALONE)]
    together = [row for row in rows if not row["strategy"].endswith(ALONE)]
    header, bounds, best, columns = [key], ["bound"], ["best stream alone"], []
    for (name, setting), strategy in product(SETTINGS.items(), strategies):
        runs = [
            row
            for row in together
            if row["setting"] == name
            and (key == "strategy" or row["strategy"] == strategy)
        ]
        # The plain column has all operators, the others what there is to compare.
        if len({row["operator"] for row in runs}) > (strategy != JOINT):
            columns.append(runs)
            more = "" if strategy == JOINT else f"; {strategy}"
            header.append(setting.title + more)
            bounds.append(f"{100 * setting.bound:.0f}")
            own = [row for row in alone if row["setting"] == name]
            best.append(mean_and_spread(best_alone(own)))
    lines = [bounds, best]
    for value in dict.fromkeys(row[key] for row in together):
        name = f"`{value}`" if key == "operator" else value
        cells = [[r for r in runs if r[key] == value] for runs in columns]
        lines.append([name, *map(mean_and_spread, cells)])
    return markdown(header, lines)


def cost_table(cost: list[dict]) -> str:
    lines = [
        (
            f"`{row['operator']}`",
            f"{row['parameters']:,}",
            f"{row['multiply_adds'] / 1e6:.2f}",
            f"{row['time_ratio']:.1f}",
            "{:.1f}..{:.1f}".format(*row["time_quartiles"]),
        )
        for row in cost
    ]
    header = ["operator", "parameters", "10^6 MACs", "time", "quartiles of time"]
    return markdown(header, lines)


def write_tables(rows: list[dict], cost: list[dict], default: str) -> str:
    """All tables; ``default`` is the operator that the strategies were tried with."""
    tried = [r for r in rows if r["operator"] == default or ALONE in r["strategy"]]
    parts = [
        "Accuracy in %, mean ± standard deviation over seeds.",
        accuracy_table(rows, "operator", (JOINT, RECIPE)),
        f"Strategies with `{default}`.",
        accuracy_table(tried, "strategy", (JOINT,)),
        "Cost.",
        cost_table(cost),
    ]
    return "\n\n".join(parts) + "\n"
