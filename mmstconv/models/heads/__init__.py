"""Tasks, one a file: from what the joint gives to losses and predictions."""

from .fusion_head import TriModalFusionHead
from .label_kinds import multi_class_of, probabilities
from .summary_head import SummaryHead
from .training_free_summary_head import TrainingFreeSummaryHead
from .unsupervised_summary_head import UnsupervisedSummaryHead

__all__ = [
    "SummaryHead",
    "TrainingFreeSummaryHead",
    "TriModalFusionHead",
    "UnsupervisedSummaryHead",
    "multi_class_of",
    "probabilities",
]
