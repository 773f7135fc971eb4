"""MMEngine's loop over epochs, resumed as if it had never stopped."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from mmaction.registry import LOOPS
from mmengine.dataset import DefaultSampler
from mmengine.dist import broadcast
from mmengine.runner import EpochBasedTrainLoop
from torch.utils.data import BatchSampler, Sampler

from ..checkpoints.reading import CheckpointError
from ..datasets import ResumableSampler
from ..private_names import (
    accumulative_counts,
    checkpoint_of,
    finish_epoch,
    settle_val_interval,
)
from ..randomness import seed_generators
from .batch_size import fit_batch_size

MODEL = 2**31  # keeps the places of iterations apart from those of samples


@LOOPS.register_module()
class ResumableTrainLoop(EpochBasedTrainLoop):
    """``EpochBasedTrainLoop`` whose interruptions leave no trace in the result.

    With ``ResumableSampler`` and ``MultiModalVideoDataset`` a resumed run repeats the
    uninterrupted one bit for bit (on CPU, and wherever torch's operations are
    deterministic), with any number of loader processes:

    - Python's, numpy's and torch's generators are seeded at the start of each
      iteration with (seed, process, iteration), and for each sample with its place:
      no generator's state has to be saved.
    - A checkpoint of the middle of an epoch (``by_epoch=False`` of the checkpoint
      hook) is continued with the next batch, under its number, without reading what
      has been seen. MMEngine begins such an epoch anew.
    - MMEngine saves the checkpoint of an epoch before it validates. If that
      validation was due and the checkpoint does not know of it, it is made up.
    - The sampler goes on with the seed it had, also if the config names none.

    Where that cannot be, because batch size, number of processes, data or sampler are
    others than before, or accumulated gradients were not yet applied, one warning
    says what is repeated or differs. Arguments as of ``EpochBasedTrainLoop``; the
    loader's config may say ``batch_size="auto"`` (``engine/batch_size.py``).

    Raises:
        ValueError: The loader drops all that there is.
    """

    STATE = "mmstconv_train_loop"

    def __init__(self, runner, dataloader, *args, **kwargs) -> None:
        if isinstance(dataloader, dict):
            samples = fit_batch_size(dataloader, runner.world_size)
            if samples is not None:
                runner.logger.info(
                    f"batch size {dataloader['batch_size']}, for {samples} videos "
                    "(train_dataloader.batch_size sets another)"
                )
        super().__init__(runner, dataloader, *args, **kwargs)
        if not len(self.dataloader):
            samples, batch = len(self.dataloader.dataset), self.dataloader.batch_size
            raise ValueError(
                "train_dataloader: an epoch has no batch. drop_last=True leaves none "
                f"of {batch} of the {samples} samples: take a smaller batch_size, or "
                "drop_last=False"
            )

    def run(self) -> torch.nn.Module:
        """Train to the last epoch, from the place that the checkpoint says."""
        self._first = 0  # batch that the first epoch begins with
        self._place = self._resumed() if self.iter else self._fresh()
        if isinstance(self._sampler, DefaultSampler):
            self._sampler.seed = self._place["seed"]
        self.runner.call_hook("before_train")
        if self.iter:
            self._validate_if_due()
        while self.epoch < self.max_epochs and not self.stop_training:
            self.run_epoch()
            self._validate_if_due()
        self.runner.call_hook("after_train")
        return self.runner.model

    def run_epoch(self) -> None:
        """One epoch, or what is left of it."""
        self.runner.call_hook("before_train_epoch")
        self.runner.model.train()
        first, self._first = self._first, 0
        if first:
            samples = first * self._place["batch_size"]
            self._sampler.start_after(min(samples, len(self._sampler)))
        for index, data_batch in enumerate(self.dataloader, first):
            self.run_iter(index, data_batch)
        self.runner.call_hook("after_train_epoch")
        finish_epoch(self)

    def run_iter(self, idx: int, data_batch: dict) -> None:
        """One batch, with random numbers of its own."""
        seed_generators(self._place["seed"], self.runner.rank, self.iter, MODEL)
        # A checkpoint that is saved after this iteration has seen it.
        self._note(epoch=self.epoch, batches=idx + 1)
        super().run_iter(idx, data_batch)

    def _validate_if_due(self) -> None:
        settle_val_interval(self)
        due = self.epoch >= self.val_begin and (
            self.epoch % self.val_interval == 0 or self.epoch == self.max_epochs
        )
        done = self._place["validated"] >= self.epoch
        if self.runner.val_loop is not None and due and not done:
            # Before it, for the best checkpoint is saved in its course.
            self._note(validated=self.epoch)
            self.runner.val_loop.run()

    def _note(self, **place) -> None:
        """Put the place where checkpoints find it."""
        self._place.update(place)
        self.runner.message_hub.update_info(self.STATE, dict(self._place))

    @property
    def _sampler(self) -> Sampler | None:
        return getattr(self.dataloader.batch_sampler, "sampler", None)

    def _fresh(self) -> dict:
        """The place of a run that begins, with sizes and seed that it depends on."""
        seed = getattr(self._sampler, "seed", None)
        if seed is None:
            seed = self._first_seed()
        return dict(
            sampler=getattr(self._sampler, "kind", type(self._sampler).__name__),
            samples=len(self.dataloader.dataset),
            batch_size=getattr(self.dataloader.batch_sampler, "batch_size", None),
            processes=self.runner.world_size,
            seed=seed,
            epoch=0,
            batches=0,
            validated=0,
        )

    def _first_seed(self) -> int:
        seed = torch.tensor(self.runner.seed)  # may be another in each process
        broadcast(seed)
        return seed.item()

    def _resumed(self) -> dict:
        """The place in the checkpoint, with this run's sizes. Sets the first batch."""
        here = self._fresh()
        saved = self.runner.message_hub.runtime_info.get(self.STATE)
        notes = []
        if saved is not None and not is_place(saved):
            raise CheckpointError(
                f"{checkpoint_of(self.runner)}: its entry message_hub.runtime_info."
                f"{self.STATE} is no place in a training"
            )
        if saved is None:
            batches = self.iter - self.epoch * len(self.dataloader)
            saved = dict(here, epoch=self.epoch, batches=batches, validated=self.epoch)
            saved["seed"] = self._first_seed()
            notes.append(
                "another training loop saved it: samples and dropout are drawn "
                "otherwise from here on"
            )
        place = dict(saved, **{key: here[key] for key in SIZES})
        done = saved["batches"] if saved["epoch"] == self.epoch else 0
        notes += differences(saved, here)
        exact = (
            isinstance(self._sampler, ResumableSampler)
            and type(self.dataloader.batch_sampler) is BatchSampler
        )
        if not exact:
            notes.append(
                f"{here['sampler']} does not know the place of a sample, so its "
                "augmentation is drawn otherwise: use ResumableSampler"
            )
        if done:
            notes += self._find_first_batch(saved, here, done, exact)
        counts = accumulative_counts(self.runner.optim_wrapper)
        if self.iter % counts:
            notes.append(
                f"the gradients of the last {self.iter % counts} iterations, "
                f"accumulated and not yet applied ({counts} make a step), are lost"
            )
        if notes:
            self.runner.logger.warning(
                f"resumed at epoch {self.epoch + 1}, iteration {self.iter}, but not "
                "exactly:\n- " + "\n- ".join(notes)
            )
        return place

    def _find_first_batch(
        self, saved: Mapping, here: Mapping, done: int, exact: bool
    ) -> list[str]:
        """Where in its epoch the run goes on; what that repeats."""
        length = len(self.dataloader)
        same = saved["samples"] == here["samples"]
        if not (exact and same and saved["sampler"] == here["sampler"]) or done < 0:
            return [
                f"epoch {self.epoch + 1} begins anew: what it saw in {done} batches "
                "before the checkpoint is repeated"
            ]
        seen = done * saved["batch_size"] * saved["processes"]
        together = here["batch_size"] * here["processes"]
        self._first = length if seen >= saved["samples"] else seen // together
        repeated = seen - self._first * together
        if repeated <= 0:
            return []
        return [
            f"of the {seen} samples that epoch {self.epoch + 1} has seen, "
            f"{repeated} are repeated: {together} make a batch now"
        ]


SIZES = dict(
    sampler="sampler",
    samples="number of samples",
    batch_size="batch size",
    processes="number of processes",
)


def is_place(saved) -> bool:
    """Whether a checkpoint's entry is what :meth:`ResumableTrainLoop._note` writes."""
    if not isinstance(saved, Mapping):
        return False
    counts = ("samples", "processes", "seed", "epoch", "batches", "validated")
    whole = all(type(saved.get(key)) is int and saved[key] >= 0 for key in counts)
    size = saved.get("batch_size")
    return whole and "sampler" in saved and (size is None or type(size) is int)


def differences(saved: Mapping, here: Mapping) -> list[str]:
    """Sizes that are not what they were when the checkpoint was saved."""
    return [
        f"{name}: {saved[key]} when saved, now {here[key]}"
        for key, name in SIZES.items()
        if saved[key] != here[key]
    ]
