"""SoundNet-8 in the port's ``.npy``, against a statement of the network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from checkpoints.sources import soundnet_source
from mmaction.registry import MODELS

from mmstconv.checkpoints.doctor import convert_checkpoint
from mmstconv.checkpoints.kernel_order import from_tensorflow


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
    sound = np.random.default_rng(1).uniform(-0.5, 0.5, 70001).astype(np.float32)
    expected = soundnet_source.trunk(weights, sound * scale)
    found = backbone(torch.from_numpy(sound * scale)[None, None])[0].double().numpy()
    assert found.shape == expected.shape
    assert expected.std() > 0.01
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


def test_the_fold_is_needed(weights, file):
    """Biases that stay behind would change the output by far more than rounding."""
    sound = np.random.default_rng(1).uniform(-128, 128, 40000)
    right = soundnet_source.trunk(weights, sound)
    for layer in weights.values():
        layer["biases"][:] = 0
    wrong = soundnet_source.trunk(weights, sound)
    assert np.abs(wrong - right).max() > 0.01 * np.abs(right).max()


@torch.no_grad()
def test_a_source_without_biases_converts_too(weights, file):
    for number in range(1, 8):
        del weights[f"conv{number}"]["biases"]
    np.save(file, weights)
    mean = convert_checkpoint(file).weights[
        "backbone.stages.0.blocks.0.bn.running_mean"
    ]
    assert np.array_equal(mean.numpy(), weights["conv1"]["mean"])


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
