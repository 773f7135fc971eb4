"""Lint and format, so that CI sees what pre-commit does."""

from __future__ import annotations

import subprocess
import sys

import pytest
from conftest import ROOT


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_ruff(command):
    ruff = [sys.executable, "-m", "ruff"]
    done = subprocess.run([*ruff, *command, ROOT], capture_output=True, text=True)
    if "No module named ruff" in done.stderr:
        pytest.skip("ruff is not installed")
    assert done.returncode == 0, done.stdout[-3000:]
