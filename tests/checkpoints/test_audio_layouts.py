"""PANNs and VGGish against statements of the source networks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from torch import nn

pytest.importorskip("librosa")

from checkpoints.sources import panns_source, vggish_source

from mmstconv.checkpoints.doctor import convert_checkpoint
from mmstconv.datasets import LogMel

NOT_OF_LOG_MEL = ("modality", "features", "sample_rate", "mean", "std")


def randomised(network):
    """Weights that keep the size of what they read, and uneven statistics."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, (nn.Conv2d, nn.Conv1d, nn.Linear)):
                if module.weight.requires_grad:
                    bound = math.sqrt(6 / module.weight[0].numel())
                    module.weight.uniform_(-bound, bound, generator=generator)
                if module.bias is not None:
                    module.bias.uniform_(-0.1, 0.1, generator=generator)
            elif isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                for value in (module.weight, module.running_var):
                    value.uniform_(0.5, 1.5, generator=generator)
                for value in (module.bias, module.running_mean):
                    value.uniform_(-0.3, 0.3, generator=generator)
    return network.eval()


def convert(network, tmp_path, container):
    path = tmp_path / "source.pth"
    torch.save(container(network.state_dict()), path)
    conversion = convert_checkpoint(path)
    path.unlink()  # hundreds of megabytes
    with torch.device("meta"):
        backbone = MODELS.build(conversion.backbone)
    backbone.to_empty(device="cpu")
    weights = {
        key.removeprefix("backbone."): value
        for key, value in conversion.weights.items()
    }
    backbone.load_state_dict(weights)
    return conversion, backbone.eval()


def panns_file(weights):
    return {"iteration": 600000, "model": weights, "sampler": {"pointer": 7}}


def sound(rate, samples, clips=2):
    time = np.arange(samples) / rate
    chirp = 0.3 * np.sin(2 * np.pi * (200 + 800 * time) * time)
    noise = 0.05 * np.random.default_rng(0).standard_normal((clips, samples))
    noisy = (chirp + noise).astype(np.float32)
    noisy[:, samples // 2 : samples * 3 // 4] *= 1e-5  # the floor of the logarithm
    return noisy


def features(conversion, waveform):
    """What a pipeline with the settings of the converted file gives."""
    settings = conversion.preprocessing
    options = {k: v for k, v in settings.items() if k not in NOT_OF_LOG_MEL}
    results = dict(waveform=waveform, sample_rate=settings["sample_rate"])
    return torch.from_numpy(LogMel(**options)(results)["audio"])


def assert_close(found, expected):
    assert found.shape == expected.shape
    assert expected.std() > 0.01  # not a dead network
    assert (found - expected).abs().max() < 1e-5 * expected.abs().max()


@torch.no_grad()
def test_cnn14(tmp_path):
    source = randomised(panns_source.Cnn14())
    source.bn0.running_mean -= 20  # decibels
    source.bn0.running_var *= 100
    conversion, backbone = convert(source, tmp_path, panns_file)
    assert conversion.layout.name == "panns-cnn14"
    assert {key.split(".")[0] for key in conversion.unmatched} == {
        "spectrogram_extractor",
        "logmel_extractor",
        "fc1",
        "fc_audioset",
    }
    waveform = sound(32000, 320 * 69)
    mel = source.log_mel(torch.from_numpy(waveform))  # (2, 70, 64)
    expected = source.trunk(mel)
    assert_close(backbone(mel.mT), expected)
    ours = features(conversion, waveform)
    # Of decibels: both sides sum powers in single precision.
    assert (ours - mel.mT).abs().max() < 1e-3
    assert (backbone(ours) - expected).abs().max() < 1e-4 * expected.abs().max()


@pytest.mark.parametrize(
    ("rate", "window", "hop", "high"), [(16000, 512, 160, 8000), (8000, 256, 80, 4000)]
)
def test_cnn14_for_other_rates(rate, window, hop, high, tmp_path):
    source = panns_source.Cnn14(rate, window, hop, 50, high)
    with torch.no_grad():
        mel = source.log_mel(torch.from_numpy(sound(rate, rate // 4)))
    path = tmp_path / "source.pth"
    torch.save(panns_file(source.state_dict()), path)
    conversion = convert_checkpoint(path)
    path.unlink()
    assert conversion.preprocessing["sample_rate"] == rate
    ours = features(conversion, sound(rate, rate // 4))
    assert (ours - mel.mT).abs().max() < 1e-3


@torch.no_grad()
def test_res1dnet31(tmp_path):
    source = randomised(panns_source.Res1dNet31())
    conversion, backbone = convert(source, tmp_path, panns_file)
    assert conversion.layout.name == "panns-res1dnet31"
    assert conversion.preprocessing["features"] == "waveform"
    assert conversion.preprocessing["sample_rate"] == 32000
    assert {key.split(".")[0] for key in conversion.unmatched} == {"fc1", "fc_audioset"}
    waveform = torch.from_numpy(sound(32000, 45000))
    assert_close(backbone(waveform[:, None]), source.trunk(waveform))


@torch.no_grad()
def test_vggish(tmp_path):
    source = randomised(vggish_source.VGGish())
    conversion, backbone = convert(source, tmp_path, dict)
    assert conversion.layout.name == "torchvggish"
    assert not conversion.unmatched
    waveform = sound(16000, 400 + 95 * 160)
    mel = np.stack([vggish_source.log_mel(clip) for clip in waveform])
    ours = features(conversion, waveform)
    assert np.abs(ours.mT.numpy() - mel).max() < 1e-5
    expected = source(torch.from_numpy(mel).float())
    assert_close(backbone(ours), expected[..., None])

    longer = torch.randn(1, 128, 64)
    maps = source.maps(longer)  # (1, 512, 8, 4)
    expected = [source.embed(maps[:, :, step : step + 6]) for step in range(3)]
    assert_close(backbone(longer.mT), torch.stack(expected, 2))


def test_a_patch_of_another_size_is_said_clearly(tmp_path):
    """VGGish-like files with an embedding of another patch do not fit."""
    weights = vggish_source.VGGish().state_dict()
    weights["embeddings.0.weight"] = torch.zeros(4096, 512)
    path = tmp_path / "source.pth"
    torch.save(weights, path)
    with pytest.raises(ValueError, match=r"torchvggish.*stages.4"):
        convert_checkpoint(path)
    path.unlink()
