"""Samplers that can begin in the middle of an epoch: MMEngine's, and a balanced one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sized

import torch
from mmaction.registry import DATA_SAMPLERS
from mmengine.dataset import DefaultSampler

from ..randomness import SeededIndex


@DATA_SAMPLERS.register_module()
class ResumableSampler(DefaultSampler):
    """``DefaultSampler`` that gives each index its place in the run.

    The same indices in the same order. Each is a
    :class:`~mmstconv.randomness.SeededIndex` of (seed, epoch, position), where the
    position counts over all processes: ``MultiModalVideoDataset`` augments by that
    place alone, so neither the number of loader processes nor an interruption changes
    what the model sees. Arguments as of ``DefaultSampler``.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._passed = 0

    @property
    def kind(self) -> str:
        """What a resumed run must have as well, for its samples to be the same."""
        return type(self).__name__

    def start_after(self, samples: int) -> None:
        """Leave out this many of this process's samples in the next epoch only.

        ``len()`` stays that of a whole epoch.
        """
        if not 0 <= samples <= self.num_samples:
            raise ValueError(
                f"expected 0 to {self.num_samples} samples of this process, "
                f"got {samples}"
            )
        self._passed = samples

    def __iter__(self) -> Iterator[SeededIndex]:
        passed, self._passed = self._passed, 0
        seed, epoch = self.seed, self.epoch
        return (
            SeededIndex(index, (seed, epoch, turn * self.world_size + self.rank))
            for turn, index in enumerate(self._indices())
            if turn >= passed
        )

    def _indices(self) -> Iterator[int]:
        """This process's samples of the epoch."""
        return super().__iter__()


@DATA_SAMPLERS.register_module()
class ClassBalancedSampler(ResumableSampler):
    """Draws samples of rare classes more often, anew in each epoch.

    An epoch is as long as the data set. A class of ``n`` samples is drawn in proportion
    to ``n ** (1 - power)``; of its samples each is as likely. A sample of several
    classes is drawn as often as the rarest of them asks for; those without a class are
    one of their own. Each sample comes as often as its share of the epoch says, rounded
    up or down by chance (systematic sampling), so that chance does not unbalance what
    it is to balance.

    MMEngine's ``ClassBalancedDataset`` instead repeats all samples of a class a whole
    number of times and leaves none out, which makes epochs longer.

    Args:
        dataset: With ``get_cat_ids``, as our data sets and wrappers have it.
        power: 1 draws all classes equally often, 0.5 by the square root of their size
            (Mahajan et al., https://arxiv.org/abs/1805.00932), 0 as they are.
        seed: As of ``DefaultSampler``.
        round_up: The same.

    Raises:
        TypeError: The data set does not tell the classes of its samples.
        ValueError: ``power`` is not within 0 and 1.
    """

    def __init__(
        self,
        dataset: Sized,
        power: float = 1.0,
        *,
        seed: int | None = None,
        round_up: bool = True,
    ) -> None:
        if not 0 <= power <= 1:
            raise ValueError(f"power must be within 0 and 1, got {power}")
        if not hasattr(dataset, "get_cat_ids"):
            raise TypeError(
                "ClassBalancedSampler needs a data set with get_cat_ids, got "
                f"{type(dataset).__name__}"
            )
        super().__init__(dataset, seed=seed, round_up=round_up)
        self.power = power
        count = len(dataset)
        classes = [tuple(dataset.get_cat_ids(k)) or (None,) for k in range(count)]
        sizes = Counter(one for own in classes for one in set(own))
        weights = [min(sizes[one] for one in own) ** -power for own in classes]
        total = math.fsum(weights)
        #: How often each sample comes in an epoch, on average.
        self.expected = torch.tensor(
            [count * weight / total for weight in weights], dtype=torch.float64
        )

    @property
    def kind(self) -> str:
        return f"{super().kind}(power={self.power})"

    def _indices(self) -> Iterator[int]:
        generator = torch.Generator()
        generator.manual_seed(self.seed + self.epoch)
        count = len(self.expected)
        order = torch.randperm(count, generator=generator)
        offset = torch.rand(1, generator=generator, dtype=torch.float64)
        ends = self.expected[order].cumsum(0)
        ends[-1:] = count  # whatever the sum is rounded to
        turns = (ends + offset).floor().long().diff(prepend=torch.zeros(1).long())
        drawn = order.repeat_interleave(turns)
        drawn = drawn[torch.randperm(count, generator=generator)].tolist()
        drawn += drawn[: self.total_size - count]
        return iter(drawn[self.rank : self.total_size : self.world_size])
