"""Rows at a rate of one's own, against an integral over a fine grid."""

from __future__ import annotations

import numpy as np
import pytest

from mmstconv.apis.features import Resampler, join_rows
from mmstconv.datasets.film_steps import FilmSteps


def by_integral(x, start, step, begin, end, fine=2000):
    """Mean over a span of steps that go on before the first and behind the last."""
    times = begin + (np.arange(fine) + 0.5) * (end - begin) / fine
    index = np.floor((times - start) / step).astype(int).clip(0, len(x) - 1)
    return x[index].mean(0)


@pytest.mark.parametrize("rate", [0.7, 1.0, 3.0, 8.0, 25.0])
@pytest.mark.parametrize("margin", [0.0, 0.3])
def test_rows_are_means_over_their_time(rate, margin):
    random = np.random.default_rng(0)
    start, step, end = 1.5, 0.25, 11.4
    count = int(np.ceil((end - start - margin) / step))
    x = random.normal(size=(count, 3)).astype(np.float32)
    origin = start + margin  # networks without padding see nothing before
    resampler, rows, first = Resampler(rate, start, end), [], 0
    while first < count:
        size = int(random.integers(1, 7))
        piece = dict(rgb=x[first : first + size])
        steps = FilmSteps(piece, dict(rgb=True), origin + first * step, step, end)
        rows.append(resampler.push(steps))
        first += size
        assert resampler.held.count <= 1 / rate / step + 8  # nothing is kept for long
    rows = join_rows([*rows, resampler.close()])
    assert rows.count == np.ceil((end - start) * rate - 1e-6)
    edges = start + np.arange(rows.count + 1) / rate
    np.testing.assert_allclose(rows.seconds, np.stack([edges[:-1], edges[1:]], 1))
    expected = [by_integral(x, origin, step, *span) for span in rows.seconds]
    np.testing.assert_allclose(rows.feats["rgb"], expected, atol=2e-3)


def test_the_same_rate_gives_the_same_steps():
    x = np.random.default_rng(1).normal(size=(40, 2)).astype(np.float32)
    resampler = Resampler(4.0, 2.0, 12.0)
    rows = resampler.push(FilmSteps(dict(rgb=x), dict(rgb=True), 2.0, 0.25, 12.0))
    rows = join_rows([rows, resampler.close()])
    np.testing.assert_allclose(rows.feats["rgb"], x, atol=1e-6)
