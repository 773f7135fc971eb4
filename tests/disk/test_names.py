"""Every file name can be printed, on every terminal."""

from __future__ import annotations

import ast
import os
import subprocess
import sys

from conftest import ROOT

from mmstconv.disk import is_remote, streams

CODE = """
import os, runpy, sys
runpy.run_path({path!r})["print_any_name"]()
print(os.fsdecode(b"caf\\xe9") + "\\u00e4")
"""


def test_on_terminals_that_are_strict():
    """In processes of their own: what Python makes of the environment counts."""
    code = CODE.format(path=streams.__file__)
    for environment, expected in (
        (dict(PYTHONIOENCODING="ascii:strict"), rb"caf\udce9\xe4"),
        (dict(PYTHONIOENCODING="utf-8:strict"), b"caf\\udce9\xc3\xa4"),
        (dict(PYTHONIOENCODING="ascii:surrogateescape"), rb"caf\udce9\xe4"),
        (dict(PYTHONIOENCODING="latin-1:strict"), b"caf\\udce9\xe4"),
        (dict(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"), rb"caf\udce9\xe4"),
        (dict(LC_ALL="C"), b"caf\xe9\xc3\xa4"),  # Python takes UTF-8 then
    ):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LA"))}
        kept.pop("PYTHONUTF8", None)
        done = subprocess.run(
            [sys.executable, "-S", "-c", code],
            env={**kept, **environment},
            capture_output=True,
        )
        assert done.returncode == 0, (environment, done.stderr)
        assert done.stdout.strip() == expected, environment


def functions_called(path) -> set[str]:
    """Names of functions that a script calls by plain name."""
    return {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def test_every_script_that_prints_names_sees_to_it():
    quiet = {"list_backbones.py"}  # prints no name of a file
    starters = {  # modules whose functions see to it for the scripts that call them
        ROOT / "tools" / "starting.py": "run",
        ROOT / "tools" / "data" / "made_dataset.py": "read_flags",
    }
    for module in starters:
        assert "print_any_name" in functions_called(module)
    silent = []
    for path in sorted((ROOT / "tools").rglob("*.py")):
        text = path.read_text()
        has_main = any(
            isinstance(node, ast.FunctionDef) and node.name == "main"
            for node in ast.parse(text).body
        )
        if not has_main or "benchmarks" in path.parts or path.name in quiet:
            continue
        calls = functions_called(path)
        handed_over = any(
            f"from {module.stem} import" in text and function in calls
            for module, function in starters.items()
        )
        if "print_any_name" not in calls and not handed_over:
            silent.append(path.name)
    assert silent == []


def test_what_is_on_another_machine():
    for name in (
        "s3://b/a.mp4",
        "cluster:s3://b",
        "http://x",
        "HTTPS://x",
        "file:///a",
    ):
        assert is_remote(name), name
    for name in ("a.mp4", "/a/b", "C:/a", "a:b.mp4", "s3:/b", "./http://x", "a//b", ""):
        assert not is_remote(name), name
