"""Cached steps are compared with the model before the first iteration."""

from __future__ import annotations

from mmaction.registry import HOOKS
from mmengine.hooks import Hook

from ..film_caches import check_film_caches
from ..runner_parts import built_data_sets, is_training


@HOOKS.register_module()
class FilmCacheHook(Hook):
    """Refuses cached steps of other weights, or of another pipeline of clips.

    A head would learn from features that its streams do not give. Runs whose data sets
    load no cached steps are left alone.

    Raises:
        FilmStepsError: The steps are not those of this model; names the command that
            renews them.
    """

    def before_train(self, runner) -> None:
        for dataset in built_data_sets(runner):
            check_film_caches(runner, dataset)

    def before_val(self, runner) -> None:
        if not is_training(runner):  # else it was compared before training
            check_film_caches(runner, runner.val_loop.dataloader.dataset)

    def before_test(self, runner) -> None:
        check_film_caches(runner, runner.test_loop.dataloader.dataset)
