"""The tables of docs/accuracy.md from what run.py has written.

python tools/experiments/table.py work_dirs/accuracy [--into docs/accuracy.md]

With ``--into`` the text between the lines ``<!-- tables -->`` and ``<!-- end -->`` of
that page is replaced.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import mean

sys.path.append(str(Path(__file__).resolve().parents[1] / "benchmarks"))
from measuring import markdown

from mmstconv.disk import print_any_name

BEGIN, END = "<!-- tables -->\n", "<!-- end -->"
TITLES = {
    "": "Ten classes (`train.txt`, `val.txt`)",
    "_sound4": "Four sounding classes (`train_sound4.txt`, `val_sound4.txt`)",
}
HEADER = (
    "row",
    "as they are",
    "sound taken away",
    "clips with sound",
    "their sound taken away",
    "ten clips",
    "ten clips, sound taken away",
    "own classifiers",
    "epochs",
    "CPU minutes",
    "CPU minutes to 75 %",
    "seeds",
)


def read_runs(folder: Path) -> list[dict]:
    """What run.py has written there, rows together, in the order of seeds.

    Raises:
        ValueError: There is nothing.
    """
    paths = sorted(folder.glob("*_seed*.json"))
    if not paths:
        raise ValueError(
            f"{folder}: no *_seed*.json; run.py writes them to its --out, name that"
        )
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    return sorted(
        runs, key=lambda run: (run["recipe"]["peer"], run["row"], run["seed"])
    )


def cell(values: Iterable[float | None], form: str, factor: float = 1.0) -> str:
    """The mean, and with several seeds each of them; ``-`` where there is no value."""
    values = list(values)
    shown = ["-" if one is None else format(factor * one, form) for one in values]
    if len(values) == 1 or set(shown) <= {"-"}:
        return shown[0]
    each = ", ".join(shown)
    if None in values:
        return each
    return f"**{format(factor * mean(values), form)}** ({each})"


def line(runs: Sequence[dict]) -> list[str]:
    """The cells of one row, of all its seeds."""
    first = runs[0]

    def percent(get: Callable[[dict], float | None]) -> str:
        return cell(map(get, runs), ".1f", 100)

    streams = (
        f"{name} {percent(lambda run, name=name: run['streams'].get(name))}"
        for name in first.get("streams", {})
    )
    epochs = {
        f"{run.get('epoch', 0)}"
        + ("" if run.get("epoch") == run["epochs"] else f" of {run['epochs']}")
        + ("" if run["finished"] else ", not finished")
        + (f", failed: {run['failed']}" if run["failed"] else "")
        for run in runs
    }
    return [
        f"`{first['row']}`: {first['recipe']['what']}",
        percent(lambda run: run.get("as_is")),
        percent(lambda run: run.get("without_sound")),
        percent(lambda run: run.get("sounding")),
        percent(lambda run: run.get("sounding_without_sound")),
        percent(lambda run: run.get("clips_as_is")),
        percent(lambda run: run.get("clips_without_sound")),
        ", ".join(streams) or "-",
        "; ".join(sorted(epochs)),
        cell((run.get("cpu_minutes") for run in runs), ".1f"),
        cell((run.get("minutes_to_goal") for run in runs), ".1f"),
        ", ".join(str(run["seed"]) for run in runs),
    ]


def recipe_line(run: dict) -> list[str]:
    """What a row is made of."""
    recipe = run["recipe"]
    base = ("MMAction2's " if recipe["peer"] else "") + f"`{Path(recipe['base']).name}`"
    changes = {
        "bfloat16": recipe["amp"] or None,
        "schedule": recipe["schedule"] and Path(recipe["schedule"]).name,
        "streams": recipe["streams"],
        "model of": recipe["model"] and Path(recipe["model"]).name,
        "size": recipe["size"] if recipe["peer"] else None,
        **recipe["frames"],
        **recipe["steps"],
        **recipe["options"],
    }
    shown = (
        key if value is True else f"{key} = {value}"
        for key, value in changes.items()
        if value not in (None, [], ()) or key in recipe["options"]
    )
    return [
        f"`{run['row']}`",
        base,
        str(recipe["batch"]),
        f"{run['parameters'] / 1e6:.2f}",
        "; ".join(f"`{one}`" for one in shown),
    ]


def write_tables(runs: Sequence[dict]) -> str:
    """All tables, of what there is."""
    rows: dict[str, list[dict]] = {}
    for run in runs:
        rows.setdefault(run["row"], []).append(run)
    parts = []
    for lists, title in TITLES.items():
        own = [row for row in rows.values() if row[0]["recipe"]["lists"] == lists]
        if own:
            parts += [f"### {title}", markdown(HEADER, map(line, own))]
    header = ("row", "config", "batch", "10^6 weights", "changed")
    recipes = [recipe_line(row[0]) for row in rows.values()]
    parts += ["### Recipes", markdown(header, recipes)]
    return "\n\n".join(parts) + "\n"


def put_into(page: Path, tables: str) -> None:
    """Replace what stands between the two marks of a page.

    Raises:
        ValueError: It has not both of them.
    """
    text = page.read_text(encoding="utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise ValueError(
            f"{page}: no line {BEGIN.strip()} with {END} after it; add them where the "
            "tables shall stand"
        )
    page.write_text(f"{head}{BEGIN}\n{tables}\n{END}{tail}", encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    print_any_name()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="--out of run.py")
    parser.add_argument("--into", type=Path, help="page whose tables are replaced")
    args = parser.parse_args(arguments)
    tables = write_tables(read_runs(args.folder))
    if args.into is None:
        print(tables, end="")
    else:
        put_into(args.into, tables)


if __name__ == "__main__":
    main()
