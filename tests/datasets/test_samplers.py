"""MMEngine's order, with a place to each index, from any sample of the epoch on."""

from __future__ import annotations

import pickle
import random
from itertools import product

import numpy as np
import pytest
import torch
from mmaction.registry import DATA_SAMPLERS
from mmengine.dataset import BaseDataset, ConcatDataset, DefaultSampler, RepeatDataset
from mmengine.registry import init_default_scope
from torch.utils.data import DataLoader

from mmstconv.datasets import ClassBalancedSampler, ResumableSampler
from mmstconv.randomness import SeededIndex, seed_generators


def sampler(samples=7, rank=0, processes=1, kind=ResumableSampler, epoch=0, **kwargs):
    """Of one of several processes, of which there is only one here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "mmengine.dataset.sampler.get_dist_info", lambda: (rank, processes)
        )
        one = kind(range(samples), seed=5, **kwargs)
    one.set_epoch(epoch)
    return one


def test_mmengines_order():
    wrong = []
    switches = (False, True)
    for processes in (1, 2, 3):
        for rank, epoch, shuffle, round_up in product(
            range(processes), range(2), switches, switches
        ):
            args = dict(rank=rank, processes=processes, epoch=epoch)
            args.update(shuffle=shuffle, round_up=round_up)
            own, theirs = sampler(**args), sampler(kind=DefaultSampler, **args)
            if list(own) != list(theirs) or len(own) != len(theirs):
                wrong.append(args)
    assert not wrong, wrong


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_a_place_does_not_depend_on_the_number_of_processes(processes):
    places = {}
    for rank in range(processes):
        for index in sampler(8, rank, processes, epoch=3):
            places[index.place] = int(index)
    order = [int(index) for index in sampler(8, epoch=3)]
    assert places == {(5, 3, turn): index for turn, index in enumerate(order)}


def test_begins_within_an_epoch_once():
    one = sampler()
    whole = [(index, index.place) for index in one]
    one.start_after(5)
    assert [(index, index.place) for index in one] == whole[5:]
    assert [(index, index.place) for index in one] == whole
    one.start_after(7)
    assert list(one) == []
    assert len(one) == 7


@pytest.mark.parametrize("samples", [-1, 8])
def test_no_such_place(samples):
    with pytest.raises(ValueError, match=f"0 to 7 samples.*got {samples}"):
        sampler().start_after(samples)


def test_is_found_by_name():
    init_default_scope("mmaction")
    built = DATA_SAMPLERS.build(
        dict(type="ResumableSampler", dataset=range(3), shuffle=False, seed=1)
    )
    assert isinstance(built, ResumableSampler) and list(built) == [0, 1, 2]


class Places(BaseDataset):
    """Each sample is the place that asks for it, and what is drawn there."""

    def load_data_list(self) -> list[dict]:
        return [{}, {}, {}]

    def prepare_data(self, idx: SeededIndex) -> tuple:
        seed_generators(*idx.place)
        return (*idx.place, *draw())


def draw() -> tuple:
    return random.random(), np.random.rand(), torch.rand(1).item()


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    "dataset",
    [Places(), ConcatDataset([Places(), Places()]), RepeatDataset(Places(), 2)],
    ids=lambda dataset: type(dataset).__name__,
)
def test_places_pass_loader_processes_and_wrappers(dataset, workers):
    order = ResumableSampler(dataset, seed=5)
    loader = DataLoader(dataset, 2, sampler=order, num_workers=workers, collate_fn=list)
    drawn = [sample for batch in loader for sample in batch]
    assert [sample[:3] for sample in drawn] == [
        (5, 0, turn) for turn in range(len(order))
    ]
    assert len({sample[3:] for sample in drawn}) == len(order)
    for sample in drawn:
        seed_generators(*sample[:3])
        assert sample[3:] == draw()


def test_an_index_with_a_place_is_an_index():
    index = SeededIndex(4, (1, 2, 3))
    assert index == 4 and [*"abcde"][index] == "e"
    for same in (pickle.loads(pickle.dumps(index)), index - 0, index % 9):
        assert type(same) is SeededIndex and same == 4 and same.place == (1, 2, 3)


class Labelled:
    """A data set that knows its classes only: ``labels`` of each sample."""

    def __init__(self, *labels) -> None:
        self.labels = labels

    def __len__(self) -> int:
        return len(self.labels)

    def get_cat_ids(self, idx: int) -> list[int]:
        return list(self.labels[idx])


# 64 samples: of the classes 0 to 2 there are 49, 9 and 4, two have none
UNEVEN = Labelled(*[(0,)] * 49, *[(1,)] * 9, *[(2,)] * 4, (), ())


def drawn(data, epochs, **kwargs):
    """How often each sample comes, by epoch."""
    one = ClassBalancedSampler(data, seed=3, **kwargs)
    found = np.zeros((epochs, len(data)), int)
    for epoch in range(epochs):
        one.set_epoch(epoch)
        np.add.at(found[epoch], list(one), 1)
    return found


@pytest.mark.parametrize("power", [1, 0.5, 0])
def test_classes_are_drawn_by_the_formula(power):
    """In proportion to n ** (1 - power), and each sample of a class as often."""
    sizes = np.array([49, 9, 4, 2])
    shares = sizes ** (1.0 - power) / (sizes ** (1.0 - power)).sum()
    expected = np.repeat(len(UNEVEN) * shares / sizes, sizes)
    found = drawn(UNEVEN, 400, power=power)
    assert (found.sum(1) == len(UNEVEN)).all()
    assert (np.abs(found - expected) < 1 + 1e-9).all(), "more than rounding"
    spread = np.sqrt(0.25 / 400)  # of a mean of what is rounded by chance
    assert np.abs(found.mean(0) - expected).max() < 5 * spread
    ends = np.cumsum(sizes)[:-1]
    classes = np.stack([part.sum(1) for part in np.split(found, ends, 1)], 1)
    assert np.abs(classes.mean(0) - len(UNEVEN) * shares).max() < 0.5
    if power == 0:
        assert (found == 1).all()


def test_the_rarest_class_of_a_sample_counts():
    data = Labelled((0,), (0,), (0, 1), (0,), (0,), (0,))
    one = ClassBalancedSampler(data, seed=1)
    weights = np.array([1 / 6, 1 / 6, 1, 1 / 6, 1 / 6, 1 / 6])
    assert np.allclose(one.expected, 6 * weights / weights.sum())


def test_balanced_epochs_differ_and_repeat(monkeypatch):
    """By seed and epoch alone, whatever the number of processes."""
    found = drawn(UNEVEN, 3)
    assert (found == drawn(UNEVEN, 3)).all()
    assert (found[0] != found[1]).any() and (found[1] != found[2]).any()

    def places(rank, processes):
        monkeypatch.setattr(
            "mmengine.dataset.sampler.get_dist_info", lambda: (rank, processes)
        )
        one = ClassBalancedSampler(UNEVEN, seed=3)
        one.set_epoch(2)
        assert len(list(one)) == len(one)
        return {index.place: int(index) for index in one}

    whole = places(0, 1)
    for processes in (2, 4):
        parts = [places(rank, processes) for rank in range(processes)]
        assert {k: v for part in parts for k, v in part.items()} == whole
    odd = [places(rank, 3) for rank in range(3)]  # rounded up by the first ones
    assert [len(part) for part in odd] == [22, 22, 22]
    joined = {k: v for part in odd for k, v in part.items()}
    assert {k: joined[k] for k in whole} == whole


def test_a_balanced_epoch_goes_on_in_its_middle():
    one = ClassBalancedSampler(UNEVEN, 0.5, seed=3)
    whole = [(index, index.place) for index in one]
    one.start_after(50)
    assert [(index, index.place) for index in one] == whole[50:]
    assert one.kind == "ClassBalancedSampler(power=0.5)"


def test_balancing_what_cannot_be():
    with pytest.raises(TypeError, match="needs a data set with get_cat_ids, got range"):
        ClassBalancedSampler(range(3))
    for power in (-0.1, 1.5):
        with pytest.raises(ValueError, match=f"power must be within 0 and 1.*{power}"):
            ClassBalancedSampler(UNEVEN, power)
