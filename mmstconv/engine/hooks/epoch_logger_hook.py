"""A training log with some lines of each epoch, however long that is."""

from __future__ import annotations

from mmaction.registry import HOOKS
from mmengine.hooks import LoggerHook

LINES = 4  # of an epoch at least, if it has as many iterations
LONGEST = 20  # iterations between two lines


@HOOKS.register_module()
class EpochLoggerHook(LoggerHook):
    """MMEngine's ``LoggerHook`` whose interval follows the length of an epoch.

    The first iteration of a run is logged as well: it tells that all works, and how
    long the rest will take.

    Args:
        interval: Iterations between two lines. None: a quarter of an epoch, 20 at most.
        ignore_last: Whether the end of an epoch gets no line of its own.
        **kwargs: See ``LoggerHook``.
    """

    def __init__(
        self, interval: int | None = None, ignore_last: bool = False, **kwargs
    ) -> None:
        super().__init__(interval or LONGEST, ignore_last, **kwargs)
        self._asked = interval
        self._first: int | None = None

    def before_train(self, runner) -> None:
        super().before_train(runner)
        self._first = runner.iter
        if self._asked is None:
            iterations = len(runner.train_dataloader)
            self.interval = min(max(iterations // LINES, 1), LONGEST)

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        interval = self.interval
        if runner.iter == self._first:
            self.interval = 1
        super().after_train_iter(runner, batch_idx, data_batch, outputs)
        self.interval = interval
