"""Our scripts take what MMAction2's take, and say what they cannot do."""

from __future__ import annotations

import argparse
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import mmaction
import pytest
import torch
from conftest import load_script
from mmengine.config import Config

ROOT = Path(__file__).resolve().parents[2]
THEIRS = Path(mmaction.__file__).parent / ".mim" / "tools"
CONFIG = ROOT / "configs/recognition/demo/stconvnet_lstm_demo-audio.py"


class Parsed(Exception):
    pass


def parser_of(script: Path, monkeypatch) -> argparse.ArgumentParser:
    """The parser a script makes, caught at the moment of parsing."""

    def stop(parser, *_, **__):
        raise Parsed(parser)

    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", stop)
        patch.syspath_prepend(script.parent)
        with pytest.raises(Parsed) as caught:
            runpy.run_path(str(script), run_name="__main__")
    return caught.value.args[0]


@pytest.mark.parametrize("name", ["train.py", "test.py"])
def test_same_flags(name, monkeypatch):
    ours, theirs = (
        {
            flag: (action.nargs, action.const, action.default, action.choices)
            for action in parser_of(folder / name, monkeypatch)._actions
            for flag in action.option_strings or [action.dest]
        }
        for folder in (ROOT / "tools", THEIRS)
    )
    for flag in ("--trust", "--traceback"):  # nobody asks there
        assert ours.pop(flag) == (0, True, False, None)
    assert ours == theirs


@pytest.mark.parametrize("name", ["train.py", "test.py"])
def test_no_gpus_flag(name, monkeypatch):
    """mim appends ``--gpus`` to the command of a script whose help has it."""
    assert "--gpus" not in parser_of(ROOT / "tools" / name, monkeypatch).format_help()


USERS = dict(GOMP_SPINCOUNT="77", OPENBLAS_NUM_THREADS="2")
ASKING = """
_base_ = []
from threadpoolctl import threadpool_info

blas = [one for one in threadpool_info() if one["user_api"] == "blas"]
print("threads", *{one["num_threads"] for one in blas})
"""

HELP = """
import runpy, sys
sys.argv = [{script!r}, "--help"]
sys.path[0] = {folder!r}
try:
    runpy.run_path({script!r}, run_name="__main__")
except SystemExit:
    print(sorted({{"torch", "numpy", "mmengine"}} & set(sys.modules)))
"""


@pytest.mark.parametrize("name", ["train.py", "test.py"])
def test_the_help_imports_next_to_nothing(name):
    """mim asks for it at every start."""
    code = HELP.format(script=str(ROOT / "tools" / name), folder=str(ROOT / "tools"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.skipif(sys.platform != "linux", reason="GNU's OpenMP")
@pytest.mark.parametrize("user", [{}, USERS])
@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("train.py", ["--cfg-options", "a=1"]),  # imports MMEngine to be read
        ("test.py", ["no.pth"]),
        ("predict.py", ["no.pth", "no.mp4"]),
    ],
)
def test_waiting_threads_do_not_spin_for_long(name, more, user, tmp_path):
    """OpenMP itself says what it was told, OpenBLAS is asked by the config."""
    config = tmp_path / "asking.py"
    config.write_text(ASKING)
    ours = {*USERS, "OMP_NUM_THREADS"}
    kept = {key: value for key, value in os.environ.items() if key not in ours}
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / name, config, *more],
        env={**kept, **user, "OMP_DISPLAY_ENV": "verbose"},
        capture_output=True,
        text=True,
    )
    threads = min(int(user.get("OPENBLAS_NUM_THREADS", 1)), os.cpu_count())
    assert f"threads {threads}\n" in done.stdout
    spins = user.get("GOMP_SPINCOUNT", 10000)
    assert f"GOMP_SPINCOUNT = '{spins}'" in done.stderr


ORDER = """
import importlib, sys
sys.path[0] = {folder!r}
importlib.import_module({name!r})
order = [name for name in sys.modules if name in ("starting", "numpy", "torch")]
print(order[:1])
"""


def test_what_threads_do_is_set_before_numpy_is_imported():
    tools = ROOT / "tools"
    shared = re.compile("^from (starting|inference_commands|file_results) ", re.M)
    names = [
        file.stem for file in tools.glob("*.py") if shared.search(file.read_text())
    ]
    assert {"detect", "features", "predict", "score_video", "train"} <= set(names)
    for name in names:
        code = ORDER.format(folder=str(tools), name=name)
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stdout in ("['starting']\n", "[]\n"), name


def test_options_are_read_as_mmengine_reads_them(monkeypatch):
    options = "--cfg-options a.b=1 c=[1,(2,x)] d=text --seed 3 --cfg-options e=None,2"
    found = []
    for folder in (ROOT / "tools", THEIRS):
        monkeypatch.setattr(sys, "argv", ["train.py", "some.py", *options.split()])
        monkeypatch.syspath_prepend(folder)
        script = runpy.run_path(str(folder / "train.py"))
        found.append(script["parse_args"]().cfg_options)
    assert found[0] == found[1]
    assert found[0]["c"] == [1, (2, "x")]


def train_with_amp(monkeypatch, tmp_path, options=()):
    script = load_script("tools/train.py")
    command = ["train.py", CONFIG, "--amp", "--work-dir", tmp_path, *options]
    monkeypatch.setattr(sys, "argv", [str(part) for part in command])
    script.main()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_amp_without_a_gpu(monkeypatch, tmp_path, flags):
    train_with_amp(monkeypatch, tmp_path, flags)
    state = torch.load(tmp_path / "epoch_1.pth", weights_only=True)
    assert "loss_scaler" not in state["optimizer"]
    assert all(
        weight.dtype in (torch.float32, torch.int64)
        for weight in state["state_dict"].values()
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_no_float16_without_a_gpu(monkeypatch, tmp_path):
    options = ["--cfg-options", "optim_wrapper.dtype=float16"]
    with pytest.raises(SystemExit, match=r"--amp.*bfloat16; got .*float16"):
        train_with_amp(monkeypatch, tmp_path, options)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_amp(monkeypatch, tmp_path, flags):
    train_with_amp(monkeypatch, tmp_path, flags)
    state = torch.load(tmp_path / "epoch_1.pth", weights_only=True)
    assert state["optimizer"]["loss_scaler"]["scale"] > 0


def test_amp_does_not_replace_another_wrapper():
    script = load_script("tools/train.py")
    cfg = Config.fromfile(CONFIG)
    cfg.optim_wrapper.type = "ApexOptimWrapper"
    args = argparse.Namespace(
        amp=True, config="some.py", no_validate=False, resume=None, auto_scale_lr=False
    )
    with pytest.raises(ValueError, match=r"some\.py asks for ApexOptimWrapper"):
        script.merge_args(cfg, args)
