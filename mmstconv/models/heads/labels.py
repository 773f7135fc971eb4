"""Ground truth of a batch, as a classification loss wants it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def collect_labels(data_samples: Sequence, num_classes: int) -> Tensor:
    """Class numbers ``(N,)``, or ``(N, num_classes)`` if any label is soft.

    A label with one integer is a class; one with ``num_classes`` entries is soft.

    Args:
        data_samples: Data samples with ``gt_label``.
        num_classes: Number of classes.

    Raises:
        ValueError: A label is missing, outside the classes, or of another size.
            The message names the file of the sample.
    """
    labels = [_one_label(sample, num_classes) for sample in data_samples]
    if all(label.dim() == 0 for label in labels):
        classes = torch.stack(labels)  # (N,)
        _check_range(classes, data_samples, num_classes)
        return classes
    hard = [(row, label) for row, label in enumerate(labels) if label.dim() == 0]
    if hard:
        rows = [row for row, _ in hard]
        classes = torch.stack([label for _, label in hard])
        _check_range(classes, [data_samples[row] for row in rows], num_classes)
        for row, label in hard:
            labels[row] = F.one_hot(label, num_classes)
    return torch.stack([label.float() for label in labels])  # (N, num_classes)


def smooth_labels(labels: Tensor, num_classes: int, eps: float) -> Tensor:
    """Move a share ``eps`` of each label to all classes alike.

    `Rethinking the Inception Architecture for Computer Vision
    <https://arxiv.org/abs/1512.00567>`_.

    Returns:
        ``labels`` itself if ``eps`` is 0, else soft labels ``(N, num_classes)``.
    """
    if eps == 0:
        return labels
    if labels.dim() == 1:
        labels = F.one_hot(labels, num_classes)
    return (1 - eps) * labels + eps / num_classes


def sample_name(sample: object) -> str:
    """How an error message calls a data sample."""
    for key in ("filename", "frame_dir", "img_key"):
        name = sample.get(key, None)
        if name is not None:
            return str(name)
    return "a sample without a file name"


def _one_label(sample: object, num_classes: int) -> Tensor:
    label = sample.get("gt_label", None)
    if label is None:
        raise ValueError(f"{sample_name(sample)}: no gt_label, cannot train on it")
    if label.numel() == 1 and (num_classes > 1 or not label.is_floating_point()):
        if label.is_floating_point():
            raise ValueError(
                f"{sample_name(sample)}: label {label.item()} is neither a class "
                f"number nor {num_classes} soft values"
            )
        return label.reshape(()).long()
    if label.numel() != num_classes:
        raise ValueError(
            f"{sample_name(sample)}: label has {label.numel()} entries, expected one "
            f"class number or {num_classes} soft values (num_classes={num_classes})"
        )
    return label.reshape(num_classes)


def _check_range(classes: Tensor, data_samples: Sequence, num_classes: int) -> None:
    for label, sample in zip(classes.tolist(), data_samples):
        if not 0 <= label < num_classes:
            raise ValueError(
                f"{sample_name(sample)}: label {label} is outside the head's "
                f"num_classes={num_classes} (labels 0..{num_classes - 1})"
            )
