from .modality_metric import ModalityMetric
from .shapley import shapley_values

__all__ = ["ModalityMetric", "shapley_values"]
