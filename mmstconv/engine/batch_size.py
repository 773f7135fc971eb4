"""A batch size for data sets of any size."""

from __future__ import annotations

from mmaction.registry import DATASETS
from mmengine.config import ConfigDict

AUTO = "auto"
LARGEST = 16  # of the recipe in docs/accuracy.md
SMALLEST = 4  # statistics of batch norm over fewer clips say little
STEPS = 6  # in an epoch, at least


def fit_batch_size(dataloader: ConfigDict, processes: int) -> int | None:
    """Replace ``batch_size="auto"`` of a loader's config by a number, in place.

    MMEngine scales the learning rate by what stands there (``auto_scale_lr``).

    Args:
        dataloader: Config of the loader.
        processes: How many processes share the data.

    Returns:
        How many samples the data set has; None where the config has a number.
    """
    if dataloader.get("batch_size") != AUTO:
        return None
    samples = len(DATASETS.build(dataloader["dataset"]))
    dataloader["batch_size"] = batch_size_for(samples // processes)
    return samples


def batch_size_for(samples: int) -> int:
    """The largest power of two that leaves an epoch some steps.

    It is between 4 and 16, and never more than the samples.

    >>> [batch_size_for(samples) for samples in (1, 3, 12, 30, 100, 1000)]
    [1, 2, 4, 4, 16, 16]
    """
    wanted = min(max(samples // STEPS, SMALLEST), LARGEST, max(samples, 1))
    return 1 << (wanted.bit_length() - 1)
