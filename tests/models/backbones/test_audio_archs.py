"""The published networks for sound: sizes, time steps, options, messages."""

from __future__ import annotations

import pytest
import torch
from checkpoints.sources import soundnet_source
from helpers_culprits import for_each

from mmstconv.models import AudioConvNet, MelConvNet
from mmstconv.models.backbones.audio_archs import AUDIO_ARCHS, MEL_ARCHS

# fc1 and fc_audioset of PANNs, for the 527 classes of AudioSet.
PANNS_HEAD = (2048 * 2048 + 2048) + (2048 * 527 + 527)
# Kong 2020, table XII; VGGish from the sizes in Hershey's release (Wolfram Neural Net
# Repository counts the same).
PARAMETERS = {
    "cnn14": 80_753_615 - PANNS_HEAD,
    "res1dnet31": 80_464_463 - PANNS_HEAD,
    "vggish": 72_141_184,
    # kernels and norms of the authors' code; its biases are in the norms here
    "soundnet8": sum(
        size * before * channels + 2 * channels
        for (channels, size, _, _), before in zip(
            soundnet_source.LAYERS, (1, *(layer[0] for layer in soundnet_source.LAYERS))
        )
    ),
}
SMALL = [
    dict(channels=4, pool=dict(mode="avg", size=2), dropout=0.5),
    dict(channels=6, num_blocks=2, pool=dict(mode="max", size=(1, 2))),
]


def build(arch, **kwargs):
    if arch in AUDIO_ARCHS:
        return AudioConvNet(1, arch=arch, **kwargs)
    return MelConvNet(arch=arch, **kwargs)


def test_all_archs_have_a_published_size():
    ours = {"mel_lite"}
    assert {*PARAMETERS} | ours == {*AUDIO_ARCHS, *MEL_ARCHS}


@pytest.mark.parametrize("arch", sorted(PARAMETERS))
def test_parameters(arch):
    with torch.device("meta"):
        net = build(arch)
    assert sum(p.numel() for p in net.parameters()) == PARAMETERS[arch]


@for_each(
    "arch, samples, shape",
    [
        ("cnn14", (64, 1001), (2048, 31)),  # ten seconds at 32 kHz, hop 320
        ("cnn14", (64, 32), (2048, 1)),
        ("vggish", (64, 96), (128, 1)),
        ("vggish", (64, 111), (128, 1)),
        ("vggish", (64, 112), (128, 2)),
        ("res1dnet31", (1, 320000), (2048, 15)),
        ("res1dnet31", (1, 20480), (2048, 1)),
        ("soundnet8", (1, 22050 * 20), (1024, 15)),  # what its authors train on
    ],
)
def test_time_steps(arch, samples, shape):
    with torch.device("meta"):
        net = build(arch).eval()
        assert net(torch.rand(2, *samples)).shape == (2, *shape)
    assert net.out_channels == shape[0]


@for_each(
    "arch, samples, message",
    [
        ("vggish", (64, 95), r"at least 96 frames.*\(1, 64, 95\)"),
        ("cnn14", (64, 31), r"at least 32 frames"),
        ("cnn14", (40, 64), r"expected \(N, 64, L\), got shape \(1, 40, 64\)"),
        ("cnn14", (2, 64, 64), r"expected \(N, 64, L\)"),
        ("res1dnet31", (1, 20475), r"pooling.*leaves nothing"),
        ("res1dnet31", (2, 40960), r"expected \(N, 1, L\)"),
    ],
)
def test_wrong_input(arch, samples, message):
    with torch.device("meta"), pytest.raises(ValueError, match=message):
        build(arch)(torch.rand(1, *samples))


def test_stem_of_res1dnet31_has_no_activation():
    """An odd function up to the norm, as the source has it."""
    stem = AudioConvNet(1, arch="res1dnet31").stages[0].eval()
    x = torch.randn(1, 1, 50)
    assert torch.allclose(stem(-x), -stem(x), atol=1e-6)


def test_small_net_learns():
    net = MelConvNet(SMALL, n_mels=8, norm_bands=True)
    y = net(torch.randn(2, 8, 12))
    assert y.shape == (2, 6, 6)
    y.square().sum().backward()
    for name, parameter in net.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_time_and_bands_are_not_exchanged():
    """A kernel over time alone mixes frames, not bands."""
    net = MelConvNet([dict(channels=1, kernel_size=(3, 1))], n_mels=4, norm_cfg=None)
    net.stages[0].blocks[0].activate = torch.nn.Identity()
    x = torch.zeros(1, 4, 9)
    x[0, 2, 4] = 1
    changed = (net(x) - net(torch.zeros_like(x))).abs() > 1e-7
    assert changed[0, 0].tolist() == [3 <= frame <= 5 for frame in range(9)]


def test_bands_are_averaged():
    net = MelConvNet([dict(channels=3, kernel_size=1)], n_mels=4).eval()
    x = torch.randn(1, 4, 5)
    each = [net.run_stages(x[:, None, [band]].mT)[..., 0] for band in range(4)]
    assert torch.allclose(net(x), torch.stack(each).mean(0), atol=1e-6)


def test_stereo_is_two_pictures():
    net = MelConvNet([dict(channels=2)], n_mels=4, in_channels=2).eval()
    x = torch.randn(1, 2, 4, 5)
    picture = net.run_stages(x.mT).mean(3)
    assert torch.equal(net(x.flatten(1, 2)), picture)


def test_norm_of_the_bands():
    """Each band ends with mean 0 and variance 1 over the batch."""
    seen = []
    net = MelConvNet([dict(channels=2)], n_mels=4, norm_bands=True)
    net.stages[0].register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    net(torch.randn(3, 4, 50) * torch.tensor([1.0, 5, 20, 0.3])[:, None] - 30)
    over_bands = seen[0].transpose(1, 3).flatten(2).transpose(0, 1).flatten(1)
    assert torch.allclose(over_bands.mean(1), torch.zeros(4), atol=1e-4)
    assert torch.allclose(over_bands.var(1), torch.ones(4), atol=2e-2)


@pytest.mark.parametrize("option", ["frozen_stages", "norm_eval"])
def test_norm_of_the_bands_keeps_its_statistics(option):
    net = MelConvNet(SMALL, n_mels=8, norm_bands=True, **{option: 1}).train()
    before = {name: value.clone() for name, value in net.named_buffers()}
    net(torch.randn(2, 8, 12) + 5).sum().backward()
    for name, value in net.named_buffers():
        first = name.startswith(("band_norm", "stages.0"))
        assert torch.equal(value, before[name]) or not (first or option == "norm_eval")
    assert (net.band_norm.weight.grad is None) == (option == "frozen_stages")
    assert (net.stages[1].blocks[0].conv.weight.grad is None) is False


def test_dropout_only_in_training():
    net = MelConvNet(SMALL[:1], n_mels=8).eval()
    x = torch.randn(1, 8, 12)
    assert torch.equal(net(x), net(x))
    net.norm_eval = True
    net.train()
    assert not torch.equal(net(x), net(x))


def test_checkpointing_changes_nothing():
    stages = [dict(stage, dropout=None) for stage in SMALL]
    nets = [MelConvNet(stages, n_mels=8, norm_bands=True, with_cp=c) for c in (0, 1)]
    nets[1].load_state_dict(nets[0].state_dict())
    x = torch.randn(2, 8, 12)
    for net in nets:
        net(x).square().sum().backward()
    pairs = zip(nets[0].named_parameters(), nets[1].parameters())
    for (name, one), other in pairs:
        assert torch.allclose(one.grad, other.grad, atol=1e-5), name
    for (name, one), other in zip(nets[0].named_buffers(), nets[1].buffers()):
        assert torch.allclose(one, other, atol=1e-6), name


@for_each(
    "arguments, message",
    [
        (dict(), "MelConvNet: give either stages or arch"),
        (dict(stages=SMALL, arch="cnn14"), "give either stages or arch"),
        (dict(arch="cnn15"), r"arch is 'cnn15', must be one of \['cnn14', 'mel_lite'"),
        (
            dict(stages=[dict(channels=4, spatial_pool=None)]),
            r"stages\[0\].*spatial_pool",
        ),
        (
            dict(stages=[dict(channels=4, pool=dict(mode="max", size=(2, 2, 2)))]),
            "expected 2 numbers",
        ),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        MelConvNet(**arguments)


def test_the_first_stages():
    with torch.device("meta"):
        net = AudioConvNet(1, arch="soundnet8", num_stages=5)
        assert net(torch.rand(1, 1, 22050)).shape == (1, 256, 3)
    with pytest.raises(ValueError, match=r"num_stages must lie in 1\.\.7, got 8"):
        AudioConvNet(1, arch="soundnet8", num_stages=8)


def test_wrong_arguments_of_audio_conv_net():
    with pytest.raises(ValueError, match="AudioConvNet: give either stages or arch"):
        AudioConvNet(1)
    with pytest.raises(
        ValueError, match=r"'wavenet', must be one of \['res1dnet31', 'soundnet8'\]"
    ):
        AudioConvNet(1, arch="wavenet")


def test_any_number_of_input_channels():
    with torch.device("meta"):
        net = AudioConvNet(2, arch="res1dnet31").eval()
        assert net(torch.rand(1, 2, 20480)).shape == (1, 2048, 1)
