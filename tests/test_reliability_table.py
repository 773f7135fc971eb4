"""docs/reliability.md names a test for every fault: each of them exists and runs."""

from __future__ import annotations

import ast
import re
from functools import cache

from conftest import ROOT

PAGE = ROOT / "docs" / "reliability.md"
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows() -> list[list[str]]:
    """The cells of every row below a header that ends in a column "test"."""
    found, inside = [], False
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            inside = False
        elif cells[-1] == "test":
            inside = True
        elif inside and set(line) - set("|-: "):
            found.append(cells)
    return found


def test_the_table_has_the_faults():
    assert len(rows()) >= 25
    assert len({cells[0] for cells in rows()}) == len(rows())


@cache
def functions_of(path: str) -> dict[str, str]:
    """The functions of a file, and their decorators as text."""
    if not (ROOT / path).is_file():
        return {}
    return {
        node.name: " ".join(ast.unparse(mark) for mark in node.decorator_list)
        for node in ast.parse((ROOT / path).read_text()).body
        if isinstance(node, ast.FunctionDef)
    }


def test_every_row_is_tested():
    problems = []
    for cells in rows():
        named = TEST.findall(cells[-1])
        if not named:
            problems.append(f"no test is named for {cells[0]!r}")
        for path, name in named:
            if name not in functions_of(path):
                problems.append(f"{path} has no test {name}")
            # opt-in tests may stand beside one of the default run, not instead of it
            elif "mark.slow" in functions_of(path)[name] and len(named) == 1:
                problems.append(f"{name} is opt-in")
    assert not problems, "\n".join(problems)
