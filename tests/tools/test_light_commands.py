"""Commands answer before they import what takes long, and import few things at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch
from conftest import ROOT, load_script
from helpers_media import write_coded
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from tools.test_analyze_tool import call, folder, parts  # noqa: F401

from mmstconv import __main__ as command

# What takes long to import.
HEAVY = ["torch", "scipy", "librosa", "numba", "matplotlib", "pandas", "sympy"]
# No command that runs a model asks for these.
UNUSED = {
    *("librosa", "numba", "pandas", "sympy", "moviepy", "torch.distributed.fsdp"),
    *("mmaction.models", "mmaction.datasets", "mmengine.optim", "mmengine.hooks"),
    *("mmengine.runner.runner", "mmstconv.evaluation", "mmstconv.models"),
}
FRAMES = next((ROOT / "configs/prediction/own_videos").glob("*.py"))

RUN = """
import json, os, runpy, sys
from pathlib import Path

def run(name, arguments):
    from mmstconv import __main__ as command
    script = command.script_of(name)
    sys.argv = [name, *arguments]
    sys.path.insert(0, str(script.parent))
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):  # as Python does
            print(end.code, file=sys.stderr)
        return end.code
"""
FIRST = """
class Asked(BaseException):
    pass

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name in heavy:
            raise Asked(name)

class Noting:
    said = ""
    def write(self, text):
        self.said += text
    def flush(self):
        pass
    def isatty(self):
        return False

heavy, commands = json.loads(sys.argv[1])
sys.meta_path.insert(0, Refusing())
shown, silent = sys.stdout, {}
for name, arguments in commands.items():
    sys.stdout = sys.stderr = noting = Noting()
    try:
        code = run(name, arguments)
    except Asked as asked:
        code = f"asked for {asked}"
    if not noting.said:
        silent[name] = code
sys.stdout, sys.stderr = shown, sys.__stderr__
print(json.dumps(silent))
"""
LIGHT = """
for name, arguments in json.loads(sys.argv[1]):
    assert not run(name, arguments), name
    from mmstconv.importing import WATCHER
    whole = [one for one in sys.modules if one not in WATCHER.parts]
    Path(f"{name}.modules").write_text(json.dumps(whole))
"""


def in_a_process(code, what, cwd):
    done = subprocess.run(
        [sys.executable, "-c", RUN + code, json.dumps(what)],
        cwd=cwd,
        env=dict(os.environ, OMP_NUM_THREADS="1"),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_command_answers_before_long_imports(tmp_path):
    """Called as it should be; another command needs a row here."""
    film = tmp_path / "films" / "a.mp4"
    film.parent.mkdir()
    write_coded(film, count=4)
    films, model = str(film.parent), ["c.py", "c.pth"]
    (tmp_path / "list.txt").write_text("a.mp4 0\n")
    lists = [films, "tars", "--ann", "list.txt", "--shards", "1"]
    commands = {
        **{name: [*model, films] for name in ("predict", "detect", "caption")},
        **{name: [*model, str(film)] for name in ("summarize", "score-video")},
        **dict.fromkeys(("test", "report"), model),
        **{name: ["c.py"] for name in ("train", "bench")},
        "analyze": [*model, films],
        "predict-frames": [films, "--at=1", "--config=c.py", "--checkpoint=c.pth"],
        "features": [films, "--weights", "c.pth"],
        "calibrate": [*model, "--holdout", "list.txt"],
        "init": [films],
        "check": [films, "--workers", "0"],
        "extract": [films, "extracted"],
        "prepare": [films, "prepared", "--workers", "1"],
        "write-shards": lists,
        "convert-annotations": ["auto", films, "--out", "converted"],
        "download": ["list"],
        "convert": ["c.pth"],
        "doctor": [],
        "completion": ["bash"],
    }
    assert commands.keys() == command.COMMANDS.keys()
    assert json.loads(in_a_process(FIRST, [HEAVY, commands], tmp_path)) == {}


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    init_default_scope("mmaction")
    path = tmp_path_factory.mktemp("frames") / "model.pth"
    torch.manual_seed(1)
    model = MODELS.build(Config.fromfile(FRAMES).model)
    torch.save(dict(state_dict=model.state_dict()), path)
    return ["--config", FRAMES, "--checkpoint", path]


@pytest.mark.parametrize(
    "names",
    [
        ["detect", "caption", "features", "predict-frames"],
        pytest.param(["score-video", "summarize"], marks=pytest.mark.slow),
    ],
    ids="+".join,
)
def test_commands_import_what_the_config_names(
    names,
    monkeypatch,
    parts,  # noqa: F811
    frames,
    folder,  # noqa: F811
    tmp_path,
):
    """And say what they say when everything is imported, as it is in this process."""
    film, cpu = folder / "a.mp4", ("--device", "cpu")
    model = ("--config", parts["classes"][0], "--checkpoint", parts["classes"][1])
    commands = [
        ("detect", *parts["events"], film, *cpu, "--threshold", 0.1),
        ("caption", *parts["captions"], film, *cpu),
        ("score-video", *parts["classes"], film, *cpu),
        ("features", film, *model, *cpu, "--format", "npy"),
        ("summarize", *parts["summary"], film, *cpu, "--share", 0.5),
        ("predict-frames", film, "--at", 2, *frames, *cpu),
    ]
    commands = [
        (name, [*map(str, arguments)]) for name, *arguments in commands if name in names
    ]
    light, whole = tmp_path / "light", tmp_path / "whole"
    for place in (light, whole):
        place.mkdir()
    in_a_process(LIGHT, commands, light)
    monkeypatch.chdir(whole)
    for name, arguments in commands:
        script = command.COMMANDS[name][0]
        assert not call(monkeypatch, load_script(f"tools/{script}"), *arguments), name
    wrong = {}
    for name, _ in commands:
        modules = set(json.loads((light / f"{name}.modules").read_text()))
        unused = UNUSED  # scipy is for shots and for the errors of frames
        if name not in ("summarize", "predict-frames"):
            unused = UNUSED | {"scipy", "matplotlib"}
        if modules & unused:
            wrong[name] = modules & unused
    assert not wrong
    written = {path.relative_to(whole) for path in whole.rglob("*") if path.is_file()}
    data = {path for path in written if path.suffix in (".json", ".csv", ".npy")}
    assert len(data) >= len(commands)
    differ = [p for p in data if (light / p).read_bytes() != (whole / p).read_bytes()]
    assert differ == []
