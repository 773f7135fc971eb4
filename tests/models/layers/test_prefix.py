"""Steps as the vectors that a language model reads."""

from __future__ import annotations

import numpy as np
import torch

from mmstconv.models.layers.prefix import StepPrefix, resample_steps


def naive(x: np.ndarray, count: int) -> np.ndarray:
    """Each step cut into ``count`` parts; ``len(x)`` parts make a span."""
    return np.repeat(x, count, axis=0).reshape(count, len(x), -1).mean(1)


def test_each_vector_is_the_mean_of_an_equal_share_of_the_real_steps():
    x = torch.randn(4, 7, 3)
    valid = torch.tensor([7, 5, 1, 2])
    wrong = []
    for count in (1, 3, 7, 16):
        found = resample_steps(x, valid, count)
        for row, length in enumerate(valid.tolist()):
            expected = naive(x[row, :length].double().numpy(), count)
            if not np.allclose(found[row], expected, atol=1e-5):
                wrong.append((count, row))
    assert not wrong


def test_what_lies_behind_the_real_steps_changes_nothing():
    layer = StepPrefix(3, 8, 4, ["rgb"])
    x = torch.randn(2, 6, 3)
    other = x.clone()
    other[1, 4:] = 100
    lengths = torch.tensor([6, 4])
    assert torch.equal(layer(x, lengths, {}), layer(other, lengths, {}))


def test_a_learned_vector_says_what_is_absent():
    layer = StepPrefix(3, 8, 4, ["rgb", "audio"])
    torch.nn.init.normal_(layer.absent)
    x = torch.randn(4, 6, 3)
    presence = dict(
        rgb=torch.tensor([True, False, True, False]),
        audio=torch.tensor([True, True, False, False]),
    )
    added = layer(x, None, presence) - layer(x, None, {})
    rgb, audio = layer.absent
    for row, expected in enumerate((0 * rgb, rgb, audio, rgb + audio)):
        torch.testing.assert_close(added[row], expected.expand(4, 8))


def test_it_begins_as_wide_as_asked():
    found = StepPrefix(32, 64, 16, ["rgb"], scale=0.1)(torch.randn(8, 16, 32), None, {})
    assert 0.09 < found.std() < 0.11
