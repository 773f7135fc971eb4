"""``python -m mmstconv``: the scripts, without mim."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from conftest import ROOT

import mmstconv
from mmstconv import __main__ as command

# What is run from a checkout only.
OF_THE_CHECKOUT = {"benchmarks", "experiments"}


def run(*arguments, cwd, **variables):
    return subprocess.run(
        [sys.executable, "-m", "mmstconv", *arguments],
        cwd=cwd,
        env=dict(os.environ, **variables),
        capture_output=True,
        text=True,
    )


def test_every_script_is_a_command():
    """By the name of its file, or as a row of the table has it."""
    found = {
        path.resolve()
        for path in (ROOT / "tools").rglob("*.py")
        if not OF_THE_CHECKOUT & {*path.parts}
        and isinstance(ast.parse(path.read_text()).body[-1], ast.If)
    }
    started = {path.resolve() for path in command.scripts().values()}
    assert started == found and len(found) >= 26
    for stem, path in command.scripts().items():
        assert command.script_of(stem) == path
        assert command.script_of(stem.replace("_", "-")) == path
        assert ast.get_docstring(ast.parse(path.read_text())), path
    for name, (script, _) in command.COMMANDS.items():
        assert command.script_of(name) == command.TOOLS / script
        assert (command.TOOLS / script).resolve() in started, script


def test_the_help_is_one_screen(tmp_path):
    done = run(cwd=tmp_path)
    lines = done.stdout.splitlines()
    assert done.returncode == 2 and len(lines) <= 45
    assert max(map(len, lines)) <= 80
    words = set(done.stdout.split())
    assert words >= command.COMMANDS.keys()
    reached = {command.script_of(word) for word in words}
    assert reached >= {*command.scripts().values()}
    assert run("--help", cwd=tmp_path).stdout == done.stdout
    assert run("--help", cwd=tmp_path).returncode == 0


def test_an_unknown_command(tmp_path):
    done = run("trian", cwd=tmp_path)
    assert done.returncode == 2 and "did you mean 'train'?" in done.stderr
    done = run("xyzzy", cwd=tmp_path)
    assert done.returncode == 2 and "see mmstconv --help" in done.stderr
    assert "modality-report" in command.unknown("modality_reprot")


def test_the_console_script(tmp_path):
    """What pip puts beside Python, by setup.py's entry point."""
    (found,) = entry_points(group="console_scripts", name="mmstconv")
    assert found.load() is command.main
    code = f"import sys; from {found.module} import {found.attr}; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, "--version"], capture_output=True, text=True
    )
    assert done.stdout.split() == ["mmstconv", mmstconv.__version__]


def test_the_help_imports_next_to_nothing():
    """Of every command that takes arguments; those of the demo alone are no commands
    for users."""
    code = """
import io, runpy, sys
from contextlib import redirect_stdout
from mmstconv import __main__ as command
slow = {"demo_tasks", "list_backbones"}
for stem, path in command.scripts().items():
    if stem in slow:
        continue
    sys.argv, said = [stem, "--help"], io.StringIO()
    sys.path.insert(0, str(path.parent))
    try:
        with redirect_stdout(said):
            runpy.run_path(str(path), run_name="__main__")
    except SystemExit as end:
        assert not end.code, (stem, end.code)
    assert len(said.getvalue()) > 100, stem
    heavy = {"torch", "mmaction", "mmcv", "scipy"} & {*sys.modules}
    assert not heavy, (stem, heavy)
    print(stem)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    stems = {Path(script).stem for script, _ in command.COMMANDS.values()}
    assert stems <= set(done.stdout.split())


def test_a_command_says_its_name(tmp_path):
    done = run("predict-frames", "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("usage: mmstconv predict-frames ")


def test_a_command_knows_the_configs_of_the_package(tmp_path):
    (tmp_path / "x.py").write_text("_base_ = 'mmstconv::no/such.py'\n")
    done = run("train", "x.py", cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    begun, said = done.stderr.splitlines()
    assert begun == "train: loading"
    assert said.startswith("train: x.py:1: there is no base config 'mmstconv::")


def test_interrupted_before_a_command_can_answer(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "start", interrupted)
    monkeypatch.setattr(sys, "argv", ["mmstconv", "list-words"])
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(SystemExit) as end:
        command.main()
    assert end.value.code == 130
    assert capsys.readouterr().err == "\nlist-words: interrupted\n"
