"""Networks of frames to come: counts of their papers, formulas, missing modalities."""

from __future__ import annotations

import pytest
import torch
from helpers_frames import FUTURE, SEEN, SIDE, heard, inputs, network, presence
from mmaction.registry import MODELS

from mmstconv.models.predictors import (
    ConvLSTMNetwork,
    ConvLSTMTranslator,
    ConvMixerTranslator,
    SimVPNetwork,
)
from mmstconv.models.predictors.conditions import FiLM
from mmstconv.models.predictors.conv_lstm import ConvLSTMCell
from mmstconv.models.predictors.translators import Condition
from mmstconv.models.predictors.trunk_network import as_channels, last_frames
from mmstconv.models.predictors.warping import displaced, warped_along


def test_counts_of_published_networks():
    def count(net):
        return sum(parameter.numel() for parameter in net.parameters())

    # Shi et al. 2015, table 1: 5x5-256, 5x5-128-5x5-128 and 5x5-128-5x5-64-5x5-64
    for hidden, published in (
        ((256,), 13_524_496),
        ((128, 128), 10_042_896),
        ((128, 64, 64), 7_585_296),
    ):
        assert count(ConvLSTMNetwork(seen=10, future=10, hidden=hidden)) == published
    # OpenSTL's table for Moving MNIST: 3.9 M
    assert round(count(SimVPNetwork(seen=10)) / 1e6, 1) == 3.9


def test_shapes():
    translators = [
        dict(type="ConvMixerTranslator", channels=8, blocks=2, kernel_size=3),
        dict(type="ConvLSTMTranslator", hidden=(4, 6)),
    ]
    for translator in translators:
        for channels in (1, 3):
            for seen in (1, SEEN, SEEN + 2):
                net = network(translator, channels=channels)
                out = net(inputs(seen=seen), presence())
                assert out.shape == (2, channels, FUTURE, SIDE, SIDE)
                out.sum().backward()
    for net in (
        SimVPNetwork(seen=SEEN, spatial_channels=4, hidden_channels=8, blocks=2),
        ConvLSTMNetwork(seen=SEEN, future=SEEN, hidden=(4,)),
    ):
        assert net(inputs(1), {}).shape == (1, 1, SEEN, SIDE, SIDE)


def test_begins_as_the_last_frame():
    x = inputs()
    out = network().eval()(x, presence())
    expected = x["rgb"][:, :, -1:].expand_as(out)
    assert (out - expected).abs().max() < 0.05


@pytest.mark.parametrize(
    "translator", [None, dict(type="ConvLSTMTranslator", hidden=(4, 6))]
)
def test_what_is_absent_changes_nothing(translator):
    net = heard(network(translator))
    x = inputs()
    for name in ("rgb", "flow", "audio"):
        here = presence(**{name: [1]})  # the first sample lacks it
        with torch.no_grad():
            out = net(x, here)
            noise = x[name].clone()
            noise[0] = float("nan")
            torch.testing.assert_close(net({**x, name: noise}, here), out)
            whole = net(x, presence())
        assert not out[0].allclose(whole[0], atol=1e-5), f"{name} says nothing"
        torch.testing.assert_close(out[1], whole[1], rtol=1e-4, atol=1e-5)
        none = presence(**{name: []})
        assert net(x, none).isfinite().all()


def test_film_is_the_identity_where_nothing_is_heard():
    film = FiLM(3, 5)
    x, said = torch.randn(2, 5, 4, 4), torch.randn(2, 3)
    assert film(x, said, torch.zeros(2)).equal(x)
    torch.nn.init.normal_(film.fc.weight)
    out = film(x, said, torch.tensor([0.0, 1.0]))
    assert out[0].equal(x[0])
    scale, shift = (said[1] @ film.fc.weight.T).chunk(2)
    expected = x[1] * (1 + scale[:, None, None]) + shift[:, None, None]
    torch.testing.assert_close(out[1], expected)


def test_a_cell_as_its_equations():
    """Equation 3 of the paper, pixel by pixel, without padding: kernel 1."""
    torch.manual_seed(0)
    cell = ConvLSTMCell(2, 3, 1).double()
    torch.nn.init.normal_(cell.peepholes)
    x = torch.randn(1, 2, 2, 2, dtype=torch.double)
    state = cell(x)
    state = cell(2 * x, state)
    w, b = cell.conv.weight[:, :, 0, 0], cell.conv.bias
    p = cell.peepholes[:, :, 0, 0]
    for row in range(2):
        for column in range(2):
            h = c = torch.zeros(3, dtype=torch.double)
            for value in (x, 2 * x):
                read = torch.cat([value[0, :, row, column], h])
                i, f, g, o = (w @ read + b).chunk(4)
                i, f = (i + p[0] * c).sigmoid(), (f + p[1] * c).sigmoid()
                c = f * c + i * g.tanh()
                h = (o + p[2] * c).sigmoid() * c.tanh()
            torch.testing.assert_close(state.hidden[0, :, row, column], h)
            torch.testing.assert_close(state.cell[0, :, row, column], c)


def test_order_of_steps_matters():
    here = torch.ones(1)
    x = torch.randn(1, SEEN, 4, 4, 4)
    said = torch.randn(1, SEEN, 3)
    for kind in (ConvMixerTranslator, ConvLSTMTranslator):
        net = kind(4, 2, seen=SEEN, future=FUTURE, conditions=dict(audio=3)).eval()
        for name, parameter in net.named_parameters():
            if "films" in name:
                torch.nn.init.normal_(parameter)
        out = net(x, dict(audio=Condition(said, here)))
        assert out.shape == (1, FUTURE, 2, 4, 4)
        assert not out.allclose(net(x.flip(1), dict(audio=Condition(said, here))))
        assert not out.allclose(net(x, dict(audio=Condition(said.flip(1), here))))


def test_moved_pictures():
    image = torch.rand(1, 2, 8, 8)
    field = torch.zeros(1, 2, 8, 8)
    field[:, 0] = -1  # each pixel comes from its left neighbour
    moved = displaced(image, field)
    torch.testing.assert_close(moved[..., 1:], image[..., :-1])
    torch.testing.assert_close(moved[..., 0], image[..., 0])  # as at the edge
    fields = torch.zeros(1, 3, 2, 8, 8)
    fields[:, :, 1] = 2.0
    frames = warped_along(image, fields)
    for step in range(3):  # the whole way is read from the image at once
        shift = 2 * (step + 1)
        torch.testing.assert_close(
            frames[:, step, :, : 8 - shift], image[:, :, shift:], rtol=1e-4, atol=1e-5
        )


def test_a_turning_way_is_followed():
    """The way back from a pixel goes through the field of each step where it passes."""
    torch.manual_seed(0)
    image = torch.rand(1, 1, 12, 12)
    fields = torch.randn(1, 2, 2, 1, 1).expand(-1, -1, -1, 12, 12).clone()
    fields[:, 1] += 0.3 * torch.randn(12, 12)
    out = warped_along(image, fields)[:, 1]
    whole = fields[:, 1] + fields[:, 0]  # the first field is the same everywhere
    torch.testing.assert_close(out, displaced(image, whole), rtol=1e-4, atol=1e-5)


def test_half_precision_moves_to_the_same_places():
    image = torch.rand(1, 1, 4, 128)
    fields = (3 * torch.rand(1, 3, 2, 4, 128)).bfloat16()
    wanted = warped_along(image, fields.float())
    torch.testing.assert_close(warped_along(image, fields), wanted)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(warped_along(image, fields), wanted)
    half = image.bfloat16()
    found = warped_along(half, fields)
    assert found.dtype == torch.bfloat16
    wanted = warped_along(half.float(), fields.float()).bfloat16()
    torch.testing.assert_close(found, wanted)


def test_windows_of_other_lengths():
    x = torch.arange(3.0).view(1, 1, 3, 1, 1)
    assert last_frames(x, 2).flatten().tolist() == [1, 2]
    assert last_frames(x, 5).flatten().tolist() == [0, 0, 0, 1, 2]
    grey = as_channels(torch.ones(2, 3, 4, 5, 5), 1)
    assert grey.shape == (2, 1, 4, 5, 5)
    torch.testing.assert_close(grey, torch.ones_like(grey))


def test_wrong_arguments():
    with pytest.raises(ValueError, match="streams must have 'rgb'"):
        MODELS.build(
            dict(type="TrunkFrameNetwork", streams={}, translator={}, seen=1, future=1)
        )
    with pytest.raises(ValueError, match="channels must be 1 or 3"):
        network(channels=2)
    net = network()
    x = inputs()
    x["rgb"] = x["rgb"][..., :15]
    with pytest.raises(ValueError, match="even sides"):
        net(x, presence())
