"""Metrics: one family a file, and what each modality brought."""

from .calibration_metric import CalibrationMetric
from .caption_metric import CaptionMetric
from .dense_caption_metric import DenseCaptionMetric
from .detection_metric import TemporalDetectionMetric
from .dump import OwnDumpResults
from .frame_metric import FrameMetric
from .gathered_acc_metric import GatheredAccMetric
from .gathering import gather_results
from .modality_metric import ModalityMetric
from .shapley import shapley_values
from .spotting_metric import TemporalSpottingMetric
from .summary_metric import SummaryMetric

__all__ = [
    "CalibrationMetric",
    "CaptionMetric",
    "DenseCaptionMetric",
    "FrameMetric",
    "GatheredAccMetric",
    "ModalityMetric",
    "OwnDumpResults",
    "SummaryMetric",
    "TemporalDetectionMetric",
    "TemporalSpottingMetric",
    "gather_results",
    "shapley_values",
]
