"""Files built to run code, given to the tools; and how a user trusts a file."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from datetime import datetime
from functools import partial

import pytest
import torch
from conftest import ROOT, load_script
from engine.harmful import in_zip, toy_file
from engine.toy_run import for_testing, toy_config, toy_runner
from mmengine.config import Config

from mmstconv.apis import load_recognizer
from mmstconv.checkpoints.reading import TrustError, read_checkpoint
from mmstconv.checkpoints.trust import are_trusted, trusting


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    """Both tools at once, in processes of their own, on a file that runs code."""
    folder = tmp_path_factory.mktemp("tools")
    path, mark = folder / "epoch_1.pth", folder / "harmed"
    in_zip(path, mark)
    (folder / "last_checkpoint").write_text(str(path))
    running = {}
    for tool, prepare in (("train", lambda cfg: cfg), ("test", for_testing)):
        cfg = prepare(toy_config(folder))
        cfg.custom_imports = dict(imports=["mmstconv", "toy_run"])
        cfg.dump(folder / f"{tool}.py")
        arguments = ["--resume"] if tool == "train" else [str(path)]
        script = [sys.executable, ROOT / f"tools/{tool}.py", folder / f"{tool}.py"]
        running[tool] = subprocess.Popen(
            [*script, *arguments, "--work-dir", folder],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            env={
                **os.environ,
                "OMP_NUM_THREADS": "1",
                "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests/engine")]),
            },
        )
    said = {tool: one.communicate(timeout=120)[1] for tool, one in running.items()}
    return said, mark.exists()


@pytest.mark.parametrize("tool", ["train", "test"])
def test_the_real_tools(tools, tool):
    said, harmed = tools
    assert not harmed
    assert "could run any code" in said[tool] and "MMSTCONV_TRUST=1" in said[tool]


def run_tool(name: str, *arguments, monkeypatch) -> None:
    script = load_script(f"tools/{name}.py")
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, arguments)])
    script.main()


def test_trust_is_asked_for_by_name(tmp_path, monkeypatch):
    """A checkpoint with an object in it that nobody knows."""
    monkeypatch.setenv("MMSTCONV_TRACEBACK", "1")  # errors as they are raised
    toy_runner(toy_config(tmp_path / "first")).train()
    path = tmp_path / "first" / "epoch_2.pth"
    content = read_checkpoint(path)
    content["meta"]["when"] = datetime(2020, 1, 1)
    torch.save(content, path)
    with pytest.raises(TrustError):
        read_checkpoint(path)

    config = tmp_path / "train.py"
    cfg = toy_config(tmp_path / "run", train_cfg__max_epochs=3)
    cfg.dump(config)
    run = partial(run_tool, "train", config, "--resume", path, monkeypatch=monkeypatch)
    with pytest.raises(ValueError, match="--trust"):
        run()
    cfg.experiment_name = "again"
    cfg.dump(config)
    with restored():
        run("--trust")
    assert (tmp_path / "run" / "epoch_3.pth").exists()
    assert read_checkpoint(tmp_path / "run" / "epoch_3.pth")  # plain from now on

    for_testing(cfg)
    run = partial(run_tool, "test", config, path, monkeypatch=monkeypatch)
    for name, flags in (("third", ()), ("fourth", ["--trust"])):
        cfg.experiment_name = name
        cfg.dump(config)
        expected = contextlib.nullcontext()
        if not flags:
            expected = pytest.raises(ValueError, match="--trust")
        with restored(), expected:
            run(*flags)

    with pytest.raises(ValueError, match="--trust"):
        load_recognizer(str(config), str(path), "cpu")
    load_recognizer(str(config), str(path), "cpu", trust=True)
    assert not are_trusted()
    monkeypatch.setenv("MMSTCONV_TRUST", "1")
    assert are_trusted() and read_checkpoint(path)
    load_recognizer(str(config), str(path), "cpu")


@contextlib.contextmanager
def restored():
    """The tools trust for their process, which this one is not."""
    with trusting(False):
        yield


def test_predict_says_it(tmp_path, monkeypatch):
    in_zip(tmp_path / "x.pth", tmp_path / "harmed")
    run = partial(
        run_tool, "predict", toy_file(tmp_path), tmp_path / "x.pth", "some.mp4"
    )
    with pytest.raises(SystemExit, match=r"predict: .*x\.pth: .*--trust"):
        run(monkeypatch=monkeypatch)
    assert not (tmp_path / "harmed").exists()


def test_a_config_file_is_code():
    """What is not defended, so that nobody believes it is."""
    assert Config.fromstring("a = 1 + 1", ".py").a == 2
