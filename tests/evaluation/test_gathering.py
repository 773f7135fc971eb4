"""Gathering beside MMEngine's collect_results, in two real processes and in one."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from helpers_processes import in_two_processes
from mmaction.registry import METRICS
from mmengine import dist

from mmstconv.evaluation import gathering

SIZE = 7


def same(one, other) -> bool:
    """Equal to the type, at any depth; NaN is NaN."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[k], other[k]) for k in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray):
        alike = one.dtype == other.dtype and one.shape == other.shape
        return alike and one.tobytes() == other.tobytes()
    if isinstance(one, torch.Tensor):
        alike = one.dtype == other.dtype and one.requires_grad == other.requires_grad
        return alike and torch.equal(one, other)
    return one == other or (one != one and other != other)


def nested(place):
    return dict(
        pred=dict(rgb=np.full((2, 3), place, np.float32), flow=np.array(place)),
        score=torch.arange(3) + place,
        label=place,
        right=place % 2 == 0,
        nll=float("nan") if place == 2 else place / 3,
    )


def odd(place):
    return dict(
        name=f"{place}.mp4",
        ragged=np.zeros(place % 3),
        mixed=place if place % 2 else float(place),
        huge=10**30 + place,
        half=torch.full((2,), place, dtype=torch.bfloat16),
        learns=torch.ones(2, requires_grad=True),
        scalar=np.float32(place),
        words=["a"] * place,
        nothing={},
        none=None,
        pair=(place, "b"),
        text=np.array(["x"]),
    )


def other_keys(place):
    return dict(a=place) if place % 2 else dict(b=place)


def other_order(place):
    return dict(a=1, b=2) if place % 2 else dict(b=2, a=1)


# Of the sample at each place; by how the two processes share them.
KINDS = dict(
    nested=nested, odd=odd, other_keys=other_keys, other_order=other_order, bare=float
)
SHARES = {
    "even": [[0, 2, 4, 6], [1, 3, 5, 7]],  # the last is padding
    "uneven": [[0, 2, 4, 6], [1, 3]],
    "more in the second": [[0], [1, 2, 3, 4, 5]],
    "none in the second": [[0, 1], []],
    "none at all": [[], []],
}


def both_ways(rank):
    """Names of what differs; the main process says it."""
    wrong = []
    for in_flight in (gathering.IN_FLIGHT, 1001):  # at once, and in many pieces
        gathering.IN_FLIGHT = in_flight
        for kind, make in KINDS.items():
            for share, places in SHARES.items():
                mine = [make(place) for place in places[rank]]
                ours = gathering.gather_results(mine, SIZE)
                if not same(ours, dist.collect_results(mine, SIZE, "cpu")):
                    wrong.append(f"{kind}, {share}, {in_flight}")
    mine = [1, None, 3][rank:]
    if not same(gathering.gather_results(mine, 9), dist.collect_results(mine, 9)):
        wrong.append("None")
    return wrong


def labelled(samples=SIZE, classes=6):
    scores = torch.rand(samples + 1, classes, generator=torch.manual_seed(0))
    return [
        dict(pred_score=one, gt_label=torch.tensor([place % classes]))
        for place, one in enumerate(scores)
    ]


def accuracy(kind, data_samples, size=SIZE, **kwargs):
    metric = METRICS.build(dict(type=kind, **kwargs))
    metric.process(None, data_samples)
    found = metric.evaluate(size)
    assert metric.results == []
    return {key: float(value) for key, value in found.items()}


def of_one_process(rank):
    wrong = both_ways(rank)
    mine = labelled()[rank::2]
    said = [
        accuracy(kind, mine, **more)
        for kind, more in (
            ("AccMetric", {}),
            ("GatheredAccMetric", {}),
            ("GatheredAccMetric", dict(prefix="own")),
        )
    ]
    return [wrong, *said]


def test_two_processes(tmp_path):
    (wrong, peer, ours, own), second = in_two_processes(
        tmp_path, __file__, "of_one_process"
    )
    assert not wrong
    assert second[1:] == [peer, ours, own]  # all processes know the measures
    assert ours == peer == accuracy("AccMetric", labelled()[:SIZE])
    assert {"acc/top1", "acc/top5", "acc/mean1"} == set(ours)
    assert own == {key.replace("acc/", "own/"): value for key, value in ours.items()}


def test_one_process():
    mine = [nested(place) for place in range(9)]
    assert same(gathering.gather_results(mine, SIZE), mine[:SIZE])
    found = accuracy("GatheredAccMetric", labelled())
    assert found == accuracy("AccMetric", labelled())


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("count", [0, 1, 5])
def test_what_is_packed_comes_out(make, count):
    values = [make(place) for place in range(count)]
    assert same(gathering.unpack(gathering.pack(values)), values)


def test_scores_travel_as_arrays():
    """Otherwise the fast path is none."""
    count = 1000
    values = [dict(pred=np.zeros(4, np.float32), label=0) for _ in range(count)]
    sent = len(pickle.dumps(gathering.pack(values), protocol=5))
    assert sent < count * (4 * 4 + 8) + 1000


def test_same_sees_differences():
    """The comparison itself."""
    assert same(nested(2), nested(2))
    assert not same(nested(2), nested(3))
    assert not same([1], [1.0]) and not same(np.zeros(1), np.zeros(1, np.float32))
    assert not same(dict(a=1, b=2), dict(b=2, a=1))
