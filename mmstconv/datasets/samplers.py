"""MMEngine's sampler that can begin in the middle of an epoch."""

from __future__ import annotations

from collections.abc import Iterator

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
        own = enumerate(super().__iter__())
        return (
            SeededIndex(index, (seed, epoch, turn * self.world_size + self.rank))
            for turn, index in own
            if turn >= passed
        )
