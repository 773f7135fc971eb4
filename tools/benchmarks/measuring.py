"""What all speed benchmarks share: sides measured in turn, ratios, one report."""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

Work = Callable[[], object]


@dataclass(frozen=True)
class Result:
    """One line of a table.

    Args:
        row: Number of the row in docs/performance.md.
        name: What was measured.
        ratio: Ours by the peer's, median over rounds; None where there is nothing to
            divide, or it could not be measured here.
        spread: Lower and upper quartile of the rounds' ratios.
        goal: Largest ratio wanted; None: reported only.
        ours: Median of our side, in ``unit``.
        peer: Median of the other side, in ``unit``.
        unit: Of both, for instance ``'ms a sample'``.
        note: What a reader needs to know beside it.
    """

    row: str
    name: str
    ratio: float | None
    spread: tuple[float, float] | None
    goal: float | None
    ours: float | None
    peer: float | None
    unit: str = "s"
    note: str = ""


def alternate(
    sides: Mapping[str, Work],
    rounds: int,
    warmup: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Seconds of every side in every round; the sides take turns in each round.

    Args:
        sides: What to run, by name.
        rounds: How often each one is counted.
        warmup: Rounds before that, which are not counted.
        clock: Gives seconds.
    """
    spent: dict[str, list[float]] = {name: [] for name in sides}
    names = list(sides)
    for turn in range(-warmup, rounds):
        # each one is first in turn: none always runs on the other's warm cache
        for name in names if turn % 2 else reversed(names):
            start = clock()
            sides[name]()
            if turn >= 0:
                spent[name].append(clock() - start)
    return spent


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """Lower and upper quartile."""
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def result(
    row: str,
    name: str,
    ours: Sequence[float],
    peer: Sequence[float],
    goal: float | None,
    *,
    scale: float = 1.0,
    unit: str = "s",
    note: str = "",
) -> Result:
    """The ratio of two sides, round by round.

    Args:
        row: See :class:`Result`.
        name: See :class:`Result`.
        ours: Our figure of each round.
        peer: The peer's figure of the same rounds.
        goal: See :class:`Result`.
        scale: Both medians are multiplied by it, for instance ``1000 / samples``.
        unit: Of the medians after that.
        note: See :class:`Result`.
    """
    ratios = [one / other for one, other in zip(ours, peer)]
    return Result(
        row=row,
        name=name,
        ratio=statistics.median(ratios),
        spread=quartiles(ratios),
        goal=goal,
        ours=statistics.median(ours) * scale,
        peer=statistics.median(peer) * scale,
        unit=unit,
        note=note,
    )


def one_core() -> None:
    """Make this process what a loader worker is: one core, and libraries on one thread.

    MMEngine starts workers so (``OMP_NUM_THREADS=1``, no threads of OpenCV).
    """
    import cv2
    import torch
    from threadpoolctl import threadpool_limits

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    threadpool_limits(1)


def as_table(results: Sequence[Result]) -> str:
    """A Markdown table."""
    lines = [
        "| row | what | ratio | quartiles | goal | ours | peer | unit |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in results:
        spread = "" if one.spread is None else "{:.3f} to {:.3f}".format(*one.spread)
        cells = [
            one.row,
            one.name + (f" ({one.note})" if one.note else ""),
            "not measured" if one.ratio is None else f"{one.ratio:.3f}",
            spread,
            "" if one.goal is None else f"{one.goal:g}",
            "" if one.ours is None else f"{one.ours:.4g}",
            "" if one.peer is None else f"{one.peer:.4g}",
            one.unit,
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def report(results: Sequence[Result]) -> None:
    """Print the table, then all of it as one JSON line, which is the last one."""
    print(as_table(results), flush=True)
    print(json.dumps([asdict(one) for one in results]), flush=True)
