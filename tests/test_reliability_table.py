"""docs/reliability.md names a test for every fault: each of them exists and runs."""

from __future__ import annotations

import ast
import re

import pytest
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


@pytest.mark.parametrize("cells", rows(), ids=lambda cells: cells[0][:40])
def test_every_row_is_tested(cells):
    named = TEST.findall(cells[-1])
    assert named, f"no test is named for {cells[0]!r}"
    for path, name in named:
        tree = ast.parse((ROOT / path).read_text())
        tests = {
            node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)
        }
        assert name in tests, f"{path} has no test {name}"
        marks = " ".join(ast.unparse(mark) for mark in tests[name].decorator_list)
        # opt-in tests may stand beside one of the default run, not instead of it
        assert "mark.slow" not in marks or len(named) > 1, f"{name} is opt-in"
