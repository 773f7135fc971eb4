"""Files built to run code when they are opened, through every way in."""

from __future__ import annotations

import contextlib
import http.server
import threading
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from engine.harmful import FORMATS, toy_file, whole
from engine.toy_run import for_testing, toy_config, toy_runner
from mmengine.model import BaseModule
from mmengine.runner import CheckpointLoader
from torch import nn

from mmstconv.apis import convert_checkpoint, load_recognizer
from mmstconv.checkpoints.initializer import AdaptedPretrained
from mmstconv.checkpoints.provenance import read_provenance
from mmstconv.checkpoints.reading import read_checkpoint


class Evil(NamedTuple):
    """A file of one format in a folder of its own, and the mark it would leave."""

    kind: str
    path: Path
    mark: Path


def evil_in(folder: Path, kind: str) -> Evil:
    folder.mkdir(parents=True)
    evil = Evil(kind, folder / "epoch_1.pth", folder / "harmed")
    FORMATS[kind](evil.path, evil.mark)
    return evil


def outcome(act, evil: Evil, named: str) -> str:
    """Empty if a file is refused by name and has run nothing; else what happened."""
    try:
        act()
    except ValueError as error:
        said = "" if named in str(error) else f"{error!r} without its name"
    except Exception as error:
        said = repr(error)
    else:
        said = "was opened"
    return "its code ran" if evil.mark.exists() else said


def test_the_files_are_what_they_are_said_to_be(tmp_path):
    """Else all that follows would show nothing."""
    for kind in ("zip", "legacy"):
        evil = evil_in(tmp_path / kind, kind)
        with contextlib.suppress(Exception):
            torch.load(evil.path, weights_only=False)
        assert evil.mark.exists(), kind


class Part(BaseModule):
    def __init__(self, path):
        start = dict(type="Pretrained", checkpoint=str(path))
        super().__init__(init_cfg=start)
        self.fc = nn.Linear(2, 2)


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


def test_nothing_runs(tmp_path, monkeypatch):
    """Not even where torch's own default is switched off."""
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    culprits = {}
    for kind in FORMATS:
        for number, (name, way) in enumerate(WAYS.items()):
            evil = evil_in(tmp_path / f"{kind}{number}", kind)
            culprits[kind, name] = outcome(
                partial(way, evil.path), evil, str(evil.path)
            )
    assert len(culprits) == len(FORMATS) * len(WAYS)
    wrong = {case: said for case, said in culprits.items() if said}
    assert not wrong, wrong


def test_provenance_is_none(tmp_path):
    for kind in FORMATS:
        evil = evil_in(tmp_path / kind, kind)
        assert read_provenance(evil.path) == {}, kind
        assert not evil.mark.exists(), kind


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


def test_nothing_runs_that_was_downloaded(
    tmp_path, server, tmp_path_factory, monkeypatch
):
    """torch's own download opens files unsafely by default, in every version."""
    culprits = {}
    for kind in FORMATS:
        evil = evil_in(tmp_path / kind, kind)
        url = f"{server}/{kind}/{evil.path.name}"
        for address in (url, "open-mmlab://evil"):
            home = tmp_path_factory.mktemp("home")
            monkeypatch.setenv("TORCH_HOME", str(home))
            monkeypatch.setenv("MMENGINE_HOME", str(home))
            (home / "open_mmlab.json").write_text(f'{{"evil": "{url}"}}')
            load = partial(CheckpointLoader.load_checkpoint, address, "cpu")
            said = outcome(load, evil, evil.path.name)
            if not (home / "hub" / "checkpoints" / evil.path.name).exists():
                said += " and has not come"
            culprits[kind, address.partition(":")[0]] = said
    assert len(culprits) == 2 * len(FORMATS)
    wrong = {case: said for case, said in culprits.items() if said}
    assert not wrong, wrong


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
