"""``python -m mmstconv``: the scripts, without mim."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from mmstconv import __main__ as command

# What is run from a checkout only.
OF_THE_CHECKOUT = {"benchmarks", "experiments"}
# What they share, what the demo is.
NOT_COMMANDS = {
    *("demo_tasks", "demo_proofs", "demo_proof_events", "demo_proof_summaries"),
    *("demo_proof_captions", "demo_sentences", "demo_proof_analysis"),
    *("demo_proof_frames", "demo_turns"),
    *("demo", "demo_pictures", "demo_sound", "demo_spec"),
    *("starting", "inference_commands", "file_results", "file_names", "live_frames"),
    *("demo_events", "demo_importance", "demo_timeline"),
    *("made_dataset", "made_films"),
    *("joined_lists", "joined_plan"),
    *("prepared_files", "prepared_lists", "prepared_one"),
}


def run(*arguments, cwd, **variables):
    return subprocess.run(
        [sys.executable, "-m", "mmstconv", *arguments],
        cwd=cwd,
        env=dict(os.environ, **variables),
        capture_output=True,
        text=True,
    )


def test_every_tool_is_a_command():
    scripts = {
        path
        for path in (ROOT / "tools").rglob("*.py")
        if not OF_THE_CHECKOUT & {*path.parts} and path.stem not in NOT_COMMANDS
    }
    named = {ROOT / "tools" / script for script, _ in command.COMMANDS.values()}
    assert named == scripts
    for name, (script, _) in command.COMMANDS.items():
        assert Path(script).stem == name
        assert (command.TOOLS / script).is_file()
    for path in scripts:  # each of them starts as a script
        assert 'if __name__ == "__main__":' in path.read_text()
        assert ast.get_docstring(ast.parse(path.read_text()))


def test_the_list_of_commands(tmp_path):
    done = run(cwd=tmp_path)
    assert done.returncode == 2 and len(done.stdout.splitlines()) < 42
    for name in command.COMMANDS:
        assert name in done.stdout
    assert run("--help", cwd=tmp_path).returncode == 0


def test_an_unknown_command(tmp_path):
    done = run("trian", cwd=tmp_path)
    assert done.returncode == 2 and "did you mean 'train'?" in done.stderr


def test_the_help_imports_next_to_nothing(tmp_path):
    for name in ("train", "test", "convert_checkpoint"):
        done = run(name, "--help", cwd=tmp_path, PYTHONPROFILEIMPORTTIME="1")
        assert done.returncode == 0 and "usage: " in done.stdout
        imported = {
            line.rpartition("|")[2].strip() for line in done.stderr.splitlines()
        }
        assert not {"torch", "numpy", "mmengine"} & imported


def test_the_package_is_whole_for_the_command(tmp_path):
    """It is imported twice: first to be looked up, then with its repairs."""
    (tmp_path / "x.py").write_text("_base_ = 'mmstconv::no/such.py'\n")
    done = run("train", "x.py", cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("train: x.py:1: there is no base config 'mmstconv::")
    assert len(done.stderr.splitlines()) == 1


def test_interrupted_before_a_command_can_answer(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(command.runpy, "run_path", interrupted)
    monkeypatch.setattr(sys, "argv", ["mmstconv", "list-words"])
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    with pytest.raises(SystemExit) as end:
        command.main()
    assert end.value.code == 130
    assert capsys.readouterr().err == "\nlist_words: interrupted\n"
