"""What all speed benchmarks share: sides measured in turn, ratios, one report."""

from __future__ import annotations

import argparse
import inspect
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Result:
    """One line of a table."""

    row: str  # of docs/performance.md
    name: str
    ratio: float | None  # ours by the peer's, median over rounds
    spread: tuple[float, float] | None = None  # quartiles of the rounds' ratios
    goal: float | None = None  # largest ratio wanted; None: reported only
    ours: float | None = None  # median, in ``unit``
    peer: float | None = None
    unit: str = "s"
    note: str = ""


def alternate(
    sides: Mapping[object, Callable[[], object]],
    rounds: int,
    warmup: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> dict:
    """Seconds of every side in every round; the sides take turns in each round.

    ``warmup`` rounds before that are not counted.
    """
    spent: dict = {name: [] for name in sides}
    for turn in range(-warmup, rounds):
        # each one is first in turn: none always runs on the other's warm cache
        for name in sides if turn % 2 else reversed(list(sides)):
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
    goal: float | None = None,
    scale: float = 1.0,
    unit: str = "s",
    note: str = "",
) -> Result:
    """The ratio of two sides round by round, and their medians times ``scale``."""
    ratios = [one / other for one, other in zip(ours, peer)]
    middle = [statistics.median(side) * scale for side in (ours, peer)]
    ratio, spread = statistics.median(ratios), quartiles(ratios)
    return Result(row, name, ratio, spread, goal, *middle, unit, note)


def in_all(found: Iterable[Sequence[float]]) -> list[float]:
    """The sum of several parts, round by round."""
    return [sum(turn) for turn in zip(*found)]


def multiply_adds(work: Callable[[], object]) -> int:
    """Of all matrix products and convolutions in a call."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops() // 2


def one_core() -> None:
    """Make this process what MMEngine's loader workers are: one core, one thread."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    one_thread()


def one_thread() -> None:
    """For each library, as MMEngine sets it."""
    import cv2
    import torch
    from threadpoolctl import threadpool_limits

    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    threadpool_limits(1)


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def as_table(results: Sequence[Result]) -> str:
    """A Markdown table of results."""
    header = ("row", "what", "ratio", "quartiles", "goal", "ours", "peer", "unit")
    rows = [
        (
            one.row,
            one.name + (f" ({one.note})" if one.note else ""),
            "not measured" if one.ratio is None else f"{one.ratio:.3f}",
            "" if one.spread is None else "{:.3f} to {:.3f}".format(*one.spread),
            "" if one.goal is None else f"{one.goal:g}",
            "" if one.ours is None else f"{one.ours:.4g}",
            "" if one.peer is None else f"{one.peer:.4g}",
            one.unit,
        )
        for one in results
    ]
    return markdown(header, rows)


def report(results: Sequence[Result]) -> None:
    """Print the table, then all of it as one JSON line, which is the last one."""
    print(as_table(results), flush=True)
    print(json.dumps([asdict(one) for one in results]), flush=True)


def script(
    measure: Callable[..., Iterable[Result]], arguments: Sequence[str] | None = None
) -> None:
    """Run a benchmark as a command and report what it found.

    The keyword arguments of ``measure`` become flags, of the type of their default: a
    number, a text, False (a switch) or a tuple (a list).
    """
    words = sys.modules[measure.__module__].__doc__.splitlines()[0]
    parser = argparse.ArgumentParser(description=words)
    for name, parameter in inspect.signature(measure).parameters.items():
        flag, default = "--" + name.replace("_", "-"), parameter.default
        if default is False:
            parser.add_argument(flag, action="store_true")
        elif isinstance(default, tuple):
            kind = type(default[0])
            parser.add_argument(flag, nargs="*", type=kind, default=default)
        else:
            parser.add_argument(flag, type=type(default), default=default)
    report(list(measure(**vars(parser.parse_args(arguments)))))
