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

from mmstconv.datasets import ResumableSampler
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
