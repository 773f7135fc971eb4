"""Every command, used wrongly: one clear line, and a code that scripts can ask for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from conftest import load_script
from helpers_media import write_coded
from tools.test_analyze_tool import parts  # noqa: F401

from mmstconv import __main__ as command

MISUSED = """
import io, json, runpy, sys
from contextlib import redirect_stderr, redirect_stdout
from mmstconv import __main__ as command
found = []
for name in command.COMMANDS:
    script = command.script_of(name)
    sys.path.insert(0, str(script.parent))
    for arguments in ([], ["--nonsense"]):
        sys.argv = [name, *arguments]
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            try:
                if name != "doctor" or arguments:  # which needs none
                    runpy.run_path(str(script), run_name="__main__")
            except SystemExit as end:
                said = err.getvalue().splitlines()
                found.append([sys.argv, end.code, out.getvalue(), said[-1]])
print(json.dumps(found))
"""


def test_misused():
    done = subprocess.run(
        [sys.executable, "-c", MISUSED], capture_output=True, text=True
    )
    found = json.loads(done.stdout)
    assert len(found) == 2 * len(command.COMMANDS) - 1
    wrong = [one for one in found if one[1:3] != [2, ""] or ": error: " not in one[3]]
    assert wrong == []


def end_of(monkeypatch, capsys, name, arguments):
    """Exit code and messages of a command."""
    script = command.COMMANDS[name][0]
    tool = load_script(f"tools/{script}")
    monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
    code = 0
    try:
        tool.main()
    except SystemExit as end:
        code = end.code
        if isinstance(code, str):
            print(code, file=sys.stderr)
            code = 1
    return int(code or 0), capsys.readouterr().err.strip().splitlines()


def test_wrong_files(monkeypatch, capsys, parts, tmp_path):  # noqa: F811
    """What is wrong is named in the last line but hints; nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    film, empty, none, text = (tmp_path / n for n in ("a.mp4", "empty", "none", "text"))
    write_coded(film, count=20)
    empty.mkdir()
    text.write_text("neither a config nor a checkpoint\n")
    config, weights = parts["classes"]
    calls = {
        name: lambda c, w, f: [c, w, f]
        for name in ("predict", "detect", "caption", "analyze", "score-video")
    }
    calls["summarize"] = calls["predict"]
    calls["features"] = lambda c, w, f: [f, "--config", c, "--checkpoint", w]
    calls["predict-frames"] = lambda c, w, f: ["--at=1", *calls["features"](c, w, f)]
    cases = {  # what is wrong: the arguments, and who is asked
        none: (none, weights, film),
        text: (config, text, film),
        empty: (config, weights, empty),
    }
    asked = [(name, calls[name](*case), bad) for name in calls
             for bad, case in cases.items()]  # fmt: skip
    asked += [(name, [none, weights], none) for name in ("test", "report")]
    asked += [(name, [none], none) for name in ("train", "bench", "convert", "check")]
    asked += [("calibrate", [none, weights, "--holdout", text], none)]
    asked += [(name, [empty], empty) for name in ("check", "init")]
    asked += [("convert", [text], text)]
    asked += [(name, [bad, "out"], bad) for name in ("extract", "prepare")
              for bad in (none, empty)]  # fmt: skip
    asked += [("convert-annotations", ["auto", empty, "--out", "out"], empty)]
    shards = ["--ann", none, "--shards", 1]
    asked += [("write-shards", [empty, "out", *shards], none)]
    wrong = []
    for name, arguments, bad in asked:
        code, said = end_of(monkeypatch, capsys, name, arguments)
        about = [line for line in said if str(bad) in line]
        if code != 1 or not about or "Traceback" in "".join(said):
            wrong.append((name, arguments, code, said))
    assert wrong == []
    left = {path.name for path in tmp_path.iterdir()}
    assert left - {".mmstconv_written"} == {"a.mp4", "empty", "text"}


@pytest.mark.parametrize("name", ["predict", "train"])
def test_interrupted_while_it_loads(tmp_path, name):
    arguments = ["c.py", "c.pth", "a.mp4"] if name == "predict" else ["c.py"]
    process = subprocess.Popen(
        [sys.executable, "-m", "mmstconv", name, *arguments],
        cwd=tmp_path,
        env=dict(os.environ, PYTHONUNBUFFERED="1"),
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stderr.readline() == f"{name}: loading\n"
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    # Python ends by the signal itself where it came within an import's own program
    assert process.returncode in (130, -signal.SIGINT)
    assert said == f"\n{name}: interrupted\n"
