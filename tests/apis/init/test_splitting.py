"""No source on two sides, every class on all that it has sources for."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mmstconv.apis.init.splitting import SPLITS, split_sources

LABELS = st.lists(st.integers(0, 3), max_size=2, unique=True).map(tuple)


@given(st.lists(st.tuples(st.integers(0, 9), LABELS), min_size=1, max_size=40))
def test_sources_stay_whole_and_classes_in_train(files):
    sources, labels = zip(*files)
    names = [f"{number}.mp4" for number in range(len(files))]
    splits = split_sources(sources, labels, names)
    of_source, of_class = defaultdict(set), defaultdict(set)
    for source, of, split in zip(sources, labels, splits):
        of_source[source].add(split)
        for label in of or (-1,):
            of_class[label].add(split)
    assert all(len(found) == 1 for found in of_source.values())
    assert all("train" in found for found in of_class.values())


def test_shares_of_many_classes():
    rng = np.random.default_rng(0)
    labels = [(int(k),) for k in rng.integers(0, 7, 1000)]
    sources = [
        of[0] * 1000 + int(g) for of, g in zip(labels, rng.integers(0, 20, 1000))
    ]
    splits = split_sources(sources, labels, [f"{n}" for n in range(1000)])
    for label in range(7):
        counts = Counter(s for s, of in zip(splits, labels) if of == (label,))
        for split in ("val", "test"):
            assert 0.1 <= counts[split] / counts.total() <= 0.2, (label, counts)


def test_few_sources():
    """One: train. Two: the second validates. Three: one each."""
    labels = [(0,), (1,), (1,), (2,), (2,), (2,)]
    splits = split_sources(range(6), labels, list("abcdef"))
    assert splits[0] == "train"
    assert sorted(splits[1:3]) == ["train", "val"]
    assert sorted(splits[3:]) == sorted(SPLITS)


def test_later_files_move_few():
    labels = [(k % 3,) for k in range(600)]
    names = [f"{k:04}" for k in range(600)]
    before = split_sources(range(500), labels[:500], names[:500])
    after = split_sources(range(600), labels, names)
    moved = sum(one != other for one, other in zip(before, after))
    assert moved <= 50
    assert split_sources(range(600), labels, names) == after


def test_a_source_that_is_most_of_a_class_stays_in_train():
    sources = [0] * 50 + [1] * 3 + [2] * 4
    splits = split_sources(sources, [(0,)] * 57, [f"{k}" for k in range(57)])
    assert splits[0] == "train" and {*splits} == {*SPLITS}
