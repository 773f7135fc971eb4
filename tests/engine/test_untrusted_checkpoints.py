"""Files built to run code when they are opened, through every way in."""

from __future__ import annotations

import contextlib
import http.server
import io
import os
import pickle
import subprocess
import sys
import tarfile
import threading
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
import torch
from conftest import ROOT, load_script
from engine.toy_run import for_testing, toy_config, toy_runner
from mmengine.config import Config
from mmengine.model import BaseModule
from mmengine.runner import CheckpointLoader
from torch import nn

from mmstconv.apis import convert_checkpoint, load_recognizer
from mmstconv.checkpoints.initializer import AdaptedPretrained
from mmstconv.checkpoints.provenance import read_provenance
from mmstconv.checkpoints.reading import TrustError, read_checkpoint
from mmstconv.loading import are_trusted, trusting


class Harmful:
    """Makes a file when it is unpickled."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return (open, (str(self.mark), "w"))


def whole(**more) -> dict:
    """What a run of the toy can go on from, and more."""
    hub = dict(log_scalars={}, runtime_info={}, resumed_keys={})
    weights = dict(weight=torch.zeros(10), mask=torch.tensor([0.0, -torch.inf]))
    meta = dict(epoch=1, iter=4)
    parameter = nn.Parameter(weights["weight"])
    optimizer = torch.optim.SGD([parameter], lr=1e-4, momentum=0.9).state_dict()
    entries = dict(meta=meta, message_hub=hub, optimizer=optimizer)
    return dict(state_dict=weights, **entries, **more)


def in_zip(path: Path, mark: Path) -> None:
    torch.save(whole(extra=Harmful(mark)), path)


def in_legacy(path: Path, mark: Path) -> None:
    content = whole(extra=Harmful(mark))
    torch.save(content, path, _use_new_zipfile_serialization=False)


def in_tar(path: Path, mark: Path) -> None:
    """The format of 2016, which torch < 2.6 opens unsafely, whatever it is told."""
    with tarfile.open(path, "w") as tar:
        for name in ("sys_info", "pickle", "tensors", "storages"):
            data = pickle.dumps(Harmful(mark), protocol=2)
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def in_pickle(path: Path, mark: Path) -> None:
    path.write_bytes(pickle.dumps(Harmful(mark), protocol=2))


FORMATS = dict(zip=in_zip, legacy=in_legacy, tar=in_tar, pickle=in_pickle)


@pytest.fixture(params=FORMATS)
def evil(request, tmp_path):
    """A file, and the mark it would leave."""
    path, mark = tmp_path / "epoch_1.pth", tmp_path / "harmed"
    FORMATS[request.param](path, mark)
    yield path
    assert not mark.exists()


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_the_files_are_what_they_are_said_to_be(tmp_path, kind):
    """Else all that follows would show nothing."""
    FORMATS[kind](tmp_path / "x.pth", tmp_path / "harmed")
    with contextlib.suppress(Exception):
        torch.load(tmp_path / "x.pth", weights_only=False)
    assert (tmp_path / "harmed").exists()


class Part(BaseModule):
    def __init__(self, path):
        start = dict(type="Pretrained", checkpoint=str(path))
        super().__init__(init_cfg=start)
        self.fc = nn.Linear(2, 2)


def toy_file(folder: Path) -> str:
    """The toy's config as a file."""
    cfg = for_testing(toy_config(folder / "run"))
    cfg.custom_imports = dict(imports=["mmstconv"])
    cfg.dump(folder / "toy.py")
    return str(folder / "toy.py")


def resume_newest(path: Path):
    cfg = toy_config(path.parent, resume=True)
    (path.parent / "last_checkpoint").write_text(str(path))
    toy_runner(cfg).train()


WAYS = {
    "read_checkpoint": read_checkpoint,
    "MMEngine's loader": lambda path: CheckpointLoader.load_checkpoint(str(path)),
    "convert_checkpoint": convert_checkpoint,
    "load_recognizer": lambda path: load_recognizer(
        toy_file(path.parent), str(path), "cpu"
    ),
    "AdaptedPretrained": lambda path: AdaptedPretrained(str(path))(nn.Linear(2, 2)),
    "Pretrained": lambda path: Part(path).init_weights(),
    "load_from": lambda path: toy_runner(
        toy_config(path.parent, load_from=str(path))
    ).train(),
    "resume, named": lambda path: toy_runner(
        toy_config(path.parent, load_from=str(path), resume=True)
    ).train(),
    "resume": resume_newest,
    "test": lambda path: toy_runner(
        for_testing(toy_config(path.parent, load_from=str(path)))
    ).test(),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_nothing_runs(evil, way, monkeypatch):
    """Not even where torch's own default is switched off."""
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    with pytest.raises(ValueError, match=str(evil)):
        way(evil)


def test_provenance_is_none(evil):
    assert read_provenance(evil) == {}


@pytest.fixture
def server(tmp_path):
    """The folder, over HTTP."""
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    handler.log_message = lambda *args: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("kind", ["http", "open-mmlab"])
def test_nothing_runs_that_was_downloaded(
    evil, server, kind, tmp_path_factory, monkeypatch
):
    """torch's own download opens files unsafely by default, in every version."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("TORCH_HOME", str(home))
    monkeypatch.setenv("MMENGINE_HOME", str(home))
    (home / "open_mmlab.json").write_text(f'{{"evil": "{server}/{evil.name}"}}')
    address = dict(http=f"{server}/{evil.name}")
    address["open-mmlab"] = "open-mmlab://evil"
    with pytest.raises(ValueError, match=evil.name):
        CheckpointLoader.load_checkpoint(address[kind], map_location="cpu")
    assert (home / "hub" / "checkpoints" / evil.name).exists()  # it has come


def test_a_download_that_is_whole_opens(tmp_path, server, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    torch.save(whole(), tmp_path / "good.pth")
    loaded = CheckpointLoader.load_checkpoint(f"{server}/good.pth", "cpu")
    assert loaded["state_dict"]["weight"].shape == (10,)


@pytest.fixture
def told(tmp_path):
    """A checkpoint whose ``meta.config``, and every text beside it, is code."""
    mark = tmp_path / "harmed"
    code = f"open({str(mark)!r}, 'w')"
    checkpoint = whole()
    checkpoint["meta"].update(config=code, cfg=code)
    checkpoint["message_hub"]["runtime_info"]["cfg"] = code
    torch.save(checkpoint, tmp_path / "epoch_1.pth")
    yield tmp_path / "epoch_1.pth"
    assert not mark.exists()


@pytest.mark.parametrize("custom_hooks", ["ours", "none"])
def test_a_config_in_a_checkpoint_is_not_executed(told, custom_hooks):
    """MMEngine does, when it resumes."""
    cfg = toy_config(told.parent, load_from=str(told), resume=True)
    if custom_hooks == "none":
        cfg.custom_hooks = []
        del cfg.default_hooks["checkpoint"]
    toy_runner(cfg).train()
    load_recognizer(toy_file(told.parent), str(told), "cpu")


# -- the tools --


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
