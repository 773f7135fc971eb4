"""The data sets that hooks reach for."""

from __future__ import annotations

from collections.abc import Iterator


def leaves(dataset) -> Iterator:
    """The data sets inside MMEngine's Concat/Repeat/ClassBalanced wrappers."""
    inner = getattr(dataset, "datasets", None) or [getattr(dataset, "dataset", None)]
    if inner == [None]:
        yield dataset
    else:
        for part in inner:
            yield from leaves(part)


def built_data_sets(runner) -> Iterator:
    """Those of the loops that the runner has built by now."""
    for loop in (runner._train_loop, runner._val_loop, runner._test_loop):
        if hasattr(loop, "dataloader"):
            yield from leaves(loop.dataloader.dataset)
