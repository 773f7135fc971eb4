"""MMAction2's accuracy, with less work between processes."""

from __future__ import annotations

from mmaction.evaluation import AccMetric
from mmaction.registry import METRICS

from .gathering import GatheredResults


@METRICS.register_module()
class GatheredAccMetric(GatheredResults, AccMetric):
    """``AccMetric``: same arguments, same names and values (``acc/top1``).

    The scores of all processes come to the main one as arrays, not as a pickle of each
    sample in a folder that all must share.
    """
