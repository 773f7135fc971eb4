"""Films with what users said of them: formats, and the data set."""

from .summary_dataset import SummaryDataset

__all__ = ["SummaryDataset"]
