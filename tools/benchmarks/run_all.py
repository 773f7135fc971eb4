"""Run every speed benchmark and collect the results.

    python tools/benchmarks/run_all.py --out work_dirs/bench

Writes ``results.json``, a list of objects with ``row``, ``name``, ``ratio``,
``spread``, ``goal``, ``ours``, ``peer``, ``unit`` and ``note``, and ``results.md`` with
the machine, the versions and the table. A script that fails is named, the others run
all the same.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

from measuring import Result, as_table

FOLDER = Path(__file__).resolve().parent
#: In the order of the rows; the modules that they share are not among them.
SHARED = {"run_all", "measuring", "bench_clips", "pipelines"}
PACKAGES = ("torch", "mmaction2", "mmengine", "av", "decord", "opencv-contrib-python")


def scripts() -> list[Path]:
    """Those that call ``report``."""
    return sorted(
        path
        for path in FOLDER.glob("*.py")
        if path.stem not in SHARED and "report(" in path.read_text()
    )


def parse_results(output: str) -> list[Result]:
    """What a script has printed in its last line."""
    lines = [line for line in output.splitlines() if line.startswith("[")]
    if not lines:
        raise ValueError("it printed no results")
    return [Result(**one) for one in json.loads(lines[-1])]


def machine() -> str:
    """In one line: processor, cores, Python and the packages that matter."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [x for x in info.read_text().splitlines() if x.startswith("model name")]
        cpu = names[0].split(":", 1)[1].strip() if names else cpu
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{cpu}, {os.cpu_count()} cores, Python {platform.python_version()}, {packages}"
    )


def row_order(one: Result) -> tuple[int, str]:
    digits = "".join(letter for letter in one.row if letter.isdigit())
    return int(digits), one.row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("work_dirs/bench"))
    parser.add_argument("--only", nargs="*", help="names of scripts, without .py")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    results: list[Result] = []
    failed = []
    for script in scripts():
        if args.only and script.stem not in args.only:
            continue
        start = time.perf_counter()
        print(f"{script.stem} ...", end=" ", flush=True)
        done = subprocess.run(
            [sys.executable, str(script)], stdout=subprocess.PIPE, text=True
        )
        try:
            found = parse_results(done.stdout)
        except ValueError as error:
            failed.append(script.stem)
            print(f"failed with code {done.returncode}: {error}", flush=True)
            continue
        results += found
        print(f"{time.perf_counter() - start:.0f} s", flush=True)
        # one by one, so that an interruption loses the rest alone
        results.sort(key=row_order)
        rows = [vars(one) for one in results]
        (args.out / "results.json").write_text(json.dumps(rows, indent=1))
        table = f"{machine()}\n\n{as_table(results)}\n"
        (args.out / "results.md").write_text(table)
    print(as_table(results))
    print(f"wrote {args.out / 'results.json'}")
    if failed:
        sys.exit(f"run_all: {len(failed)} scripts failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
