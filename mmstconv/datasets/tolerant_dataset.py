"""A data set that goes on when a sample cannot be used."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.structures import BaseDataElement

from ..disk import public_name
from ..private_names import uses_private
from ..randomness import seed_generators
from .bad_samples import BadDataError, WorkerBoard, is_of_the_sample, named, reason_of
from .transforms.roles import steps_of

# A loader process is ended after so many times the time limit of OpenMedia.
HARD_LIMIT = 5


class Damage(list):
    """Notes on one sample, shared by the copies that ``TestTimeAug`` makes."""

    def __deepcopy__(self, memo: dict) -> Damage:
        return self


@uses_private("_load_metainfo")
class TolerantDataset(BaseDataset):
    """MMEngine's ``BaseDataset`` that replaces or flags samples that cannot be used.

    A file that turns out to be unusable while it is read raises, unless
    :meth:`tolerate` was called. Then another sample takes its place in training, and in
    ``test_mode`` it comes with all modalities absent. What happened to a sample is in
    the metainfo of the packed data sample (``replaced``, ``failure``, ``damage``).

    Samples have a ``filename``; ``ann_file`` names them in errors.
    """

    def __init__(self, *args, **kwargs) -> None:
        self._board = WorkerBoard()
        super().__init__(*args, **kwargs)

    @classmethod
    def _load_metainfo(cls, metainfo: Mapping | None = None) -> dict:
        """As MMEngine's, which takes the path of a missing class file for a name."""
        rest = dict(metainfo or {})
        classes = rest.pop("classes", None)
        loaded = super()._load_metainfo(rest)
        return loaded if classes is None else dict(loaded, classes=classes)

    def tolerate(self, max_in_a_row: int) -> None:
        """From now on, replace bad samples in training and flag them in ``test_mode``.

        Loader processes that run already hear of it too.

        Args:
            max_in_a_row: Samples tried for one place in training, before
                ``BadDataError``.
        """
        self._board.max_in_a_row = max_in_a_row

    def held(self, pids: Sequence[int]) -> list[str]:
        """The files that loader processes work on, or worked on when they died.

        Args:
            pids: Process ids of loader processes.
        """
        return [
            public_name(self.get_data_info(index)["filename"])
            for index in self._board.indices(pids)
        ]

    def prepare_data(self, idx: int) -> dict:
        """A sample through the pipeline.

        Args:
            idx: Index of the sample. A ``SeededIndex`` seeds the generators, so that
                augmentation, and what takes the place of a bad sample, are a function
                of its place in the run.

        Raises:
            BadDataError: If ``max_in_a_row`` samples were bad; lists them.
        """
        place = getattr(idx, "place", None)
        if place is not None:
            seed_generators(*place)
        limit = self._board.max_in_a_row
        if not limit:
            return self._sample(int(idx))
        if self.test_mode:
            return self._sample_or_flag(int(idx))
        tried: dict[int, tuple[str, str]] = {}
        index = int(idx)
        while True:
            try:
                return self._sample(index, replaced=list(tried.values()))
            except Exception as error:
                tried[index] = self._record(index, error)
            if len(tried) >= min(limit, len(self)):
                break
            if place is not None:  # undo what the bad sample has drawn
                seed_generators(*place, len(tried))
            index = self._another(tried)
        raise BadDataError(
            f"{len(tried)} samples in a row cannot be used, of {len(self)} in "
            f"{self.ann_file} (default_hooks.bad_samples has max_in_a_row={limit}):\n"
            + named(list(tried.values()))
        )

    def _sample_or_flag(self, index: int) -> dict:
        try:
            return self._sample(index)
        except Exception as error:
            _, reason = self._record(index, error)
        return self._sample(index, failure=reason)

    def _record(self, index: int, error: Exception) -> tuple[str, str]:
        """Path and reason of a bad sample; any other error goes on."""
        if not is_of_the_sample(error):
            raise error
        filename = public_name(self.get_data_info(index)["filename"])
        return filename, reason_of(error, filename)

    def _another(self, tried: Collection[int]) -> int:
        """An index drawn at random that was not tried."""
        index = np.random.randint(len(self))
        while index in tried:
            index = (index + 1) % len(self)
        return index

    def _sample(self, index: int, **notes: object) -> dict:
        """One sample through the pipeline, with notes in its metainfo.

        Args:
            index: Of the sample.
            notes: ``failure``: do not read the file, for this reason. ``replaced``:
                the samples tried before.
        """
        info = self.get_data_info(index)
        info["damage"] = notes["damage"] = Damage()
        if "failure" in notes:
            info["failure"] = notes["failure"]
        filename = public_name(info["filename"])
        with self._board.working_on(index, self._hard_limit()):
            try:
                packed = self.pipeline(info)
            finally:
                media = info.get("media")
                if media is not None:  # FormatClips has not closed it
                    notes["damage"] += media.damage
                    media.close()
        notes = {name: note for name, note in notes.items() if note}
        if "damage" in notes:  # copies of the reader may have found the same
            notes["damage"] = list(dict.fromkeys(notes["damage"]))
        for sample in _packed_samples(packed):
            sample.set_metainfo(dict(filename=filename, **notes))
        return packed

    def _hard_limit(self) -> float | None:
        limits = [getattr(step, "timeout", None) or 0 for step in steps_of(self)]
        return HARD_LIMIT * max(limits, default=0) or None


def _packed_samples(packed: object) -> list[BaseDataElement]:
    """The data samples of what a pipeline gives: one, or one for each augmentation."""
    samples = packed.get("data_samples") if isinstance(packed, dict) else None
    samples = samples if isinstance(samples, (list, tuple)) else [samples]
    return [one for one in samples if isinstance(one, BaseDataElement)]
