"""Soft-NMS along time against the algorithm as its paper writes it."""

from __future__ import annotations

import math

import torch
from helpers_culprits import for_each

from mmstconv.models.layers import soft_nms_1d


def naive(segments, scores, labels, sigma, min_score, number):
    """One pair after another, in plain Python."""
    left = [
        [score, row, *segment, label]
        for row, (score, segment, label) in enumerate(
            zip(scores.tolist(), segments.tolist(), labels.tolist())
        )
    ]
    taken = []
    while left and len(taken) < number:
        best = max(left, key=lambda one: one[0])
        if best[0] < min_score:
            break
        left.remove(best)
        taken.append((best[1], best[0]))
        for one in left:
            shared = min(one[3], best[3]) - max(one[2], best[2])
            union = one[3] - one[2] + best[3] - best[2] - shared
            if one[4] == best[4] and shared > 0:
                one[0] *= math.exp(-((shared / union) ** 2) / sigma)
    return taken


def draw(count, classes, seed):
    generator = torch.Generator().manual_seed(seed)
    begin = 20 * torch.rand(count, generator=generator, dtype=torch.float64)
    length = 4 * torch.rand(count, generator=generator, dtype=torch.float64)
    scores = torch.rand(count, generator=generator, dtype=torch.float64)
    labels = torch.randint(classes, (count,), generator=generator)
    return torch.stack([begin, begin + length], 1), scores, labels


@for_each(
    "count, classes, sigma, number",
    [(60, 1, 0.5, 60), (60, 3, 0.5, 60), (80, 2, 0.1, 20), (1, 1, 0.5, 9)],
)
def test_as_the_paper(count, classes, sigma, number):
    for min_score in (0.001, 0.3):
        given = draw(count, classes, count + classes)
        rows, scores = soft_nms_1d(
            *given, sigma=sigma, min_score=min_score, max_number=number
        )
        wanted = naive(*given, sigma, min_score, number)
        assert rows.tolist() == [row for row, _ in wanted]
        torch.testing.assert_close(
            scores, torch.tensor([score for _, score in wanted]).double()
        )


def test_nothing_and_no_length():
    none = torch.zeros(0, 2), torch.zeros(0), torch.zeros(0, dtype=torch.long)
    rows, scores = soft_nms_1d(*none)
    assert rows.shape == scores.shape == (0,) and rows.dtype == torch.long
    point = torch.tensor([[1.0, 1.0], [1.0, 1.0], [0.0, 2.0]])
    rows, scores = soft_nms_1d(point, torch.tensor([0.5, 0.9, 0.7]), torch.zeros(3))
    assert rows.tolist() == [1, 2, 0]
    assert scores.tolist() == torch.tensor([0.9, 0.7, 0.5]).tolist()


def test_many():
    """Ten thousand candidates: falling scores, each row once, inputs as they were."""
    given = draw(10_000, 5, 0)
    copies = [one.clone() for one in given]
    rows, scores = soft_nms_1d(*given, max_number=500)
    assert len(set(rows.tolist())) == len(rows) == 500
    assert bool((scores.diff() <= 0).all())
    assert all(torch.equal(one, copy) for one, copy in zip(given, copies))
