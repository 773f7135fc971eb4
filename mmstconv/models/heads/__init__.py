"""Tasks, one a file: from what the joint gives to losses and predictions."""

from .base_caption_head import BaseCaptionHead, Caption
from .event_head import TemporalEventHead
from .fusion_head import TriModalFusionHead
from .label_kinds import multi_class_of, probabilities
from .lstm_caption_head import LSTMCaptionHead
from .multi_task_head import MultiTaskHead
from .prefix_caption_head import PrefixCaptionHead
from .spotting_head import TemporalSpottingHead
from .summary_head import SummaryHead
from .training_free_summary_head import TrainingFreeSummaryHead
from .unsupervised_summary_head import UnsupervisedSummaryHead

__all__ = [
    "BaseCaptionHead",
    "Caption",
    "LSTMCaptionHead",
    "MultiTaskHead",
    "PrefixCaptionHead",
    "SummaryHead",
    "TemporalEventHead",
    "TemporalSpottingHead",
    "TrainingFreeSummaryHead",
    "TriModalFusionHead",
    "UnsupervisedSummaryHead",
    "multi_class_of",
    "probabilities",
]
