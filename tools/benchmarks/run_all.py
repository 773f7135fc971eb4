"""Run every speed benchmark and collect the results.

    python tools/benchmarks/run_all.py --out work_dirs/bench

Writes ``results.json``, a list of measuring.Result, and ``results.md``: the machine,
the versions and the table. A script that fails is named, the others run all the same.
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

PACKAGES = ("torch", "mmaction2", "mmengine", "av", "decord", "opencv-contrib-python")


def scripts() -> list[Path]:
    """Those whose first word is the row that they measure."""
    folder = Path(__file__).resolve().parent
    found = folder.glob("*.py")
    return sorted(path for path in found if path.read_text().startswith('"""Row'))


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
    python = f"Python {platform.python_version()}"
    return f"{cpu}, {os.cpu_count()} cores, {python}, {packages}"


def row_order(one: Result) -> tuple[int, str]:
    """Sorts row 6b between 6 and 7."""
    return int("".join(filter(str.isdigit, one.row))), one.row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("work_dirs/bench"))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    results: list[Result] = []
    failed = []
    for path in scripts():
        start = time.perf_counter()
        print(f"{path.stem} ...", end=" ", flush=True)
        command = [sys.executable, str(path)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        try:
            found = parse_results(done.stdout)
        except ValueError as error:
            failed.append(path.stem)
            print(f"failed with code {done.returncode}: {error}", flush=True)
            continue
        print(f"{time.perf_counter() - start:.0f} s", flush=True)
        # one by one, so that an interruption loses the rest alone
        results = sorted([*results, *found], key=row_order)
        rows = json.dumps([vars(one) for one in results], indent=1)
        (args.out / "results.json").write_text(rows)
        table = f"{machine()}\n\n{as_table(results)}\n"
        (args.out / "results.md").write_text(table)
    print(as_table(results))
    print(f"wrote {args.out / 'results.json'}")
    if failed:
        sys.exit(f"run_all: {len(failed)} scripts failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
