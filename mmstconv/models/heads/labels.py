"""Ground truth of a batch, as a classification loss wants it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def collect_labels(
    data_samples: Sequence, num_classes: int, multi_class: bool = False
) -> Tensor:
    """Class numbers ``(N,)``, or ``(N, num_classes)`` if any label is soft.

    A label with one integer is a class; one with ``num_classes`` entries is soft.

    With ``multi_class`` always ``(N, num_classes)``: each class from 0 (no) to 1 (yes).
    ``num_classes`` entries from 0 to 1 are taken as they are; any other integers are
    the numbers of the classes, none of them a sample without a class.

    Args:
        data_samples: Data samples with ``gt_label``.
        num_classes: Number of classes.
        multi_class: Whether a sample may have several classes, or none.

    Raises:
        ValueError: A label is missing, outside the classes, or of another size.
            The message names the file of the sample.
    """
    if multi_class:
        return torch.stack([_yes_or_no(one, num_classes) for one in data_samples])
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


def smooth_labels(
    labels: Tensor, num_classes: int, eps: float, multi_class: bool = False
) -> Tensor:
    """Move a share ``eps`` of each label to all classes alike.

    With ``multi_class`` each class is a question of its own with two answers, and a
    share ``eps`` of its label goes to both alike.

    `Rethinking the Inception Architecture for Computer Vision
    <https://arxiv.org/abs/1512.00567>`_.

    Returns:
        ``labels`` itself if ``eps`` is 0, else soft labels ``(N, num_classes)``.
    """
    if eps == 0:
        return labels
    if multi_class:
        return (1 - eps) * labels + eps / 2
    if labels.dim() == 1:
        labels = F.one_hot(labels, num_classes)
    return (1 - eps) * labels + eps / num_classes


def check_distributions(labels: Tensor, data_samples: Sequence) -> None:
    """Raise ``ValueError`` unless each soft label ``(N, num_classes)`` has a sum of 1.

    Cross entropy accepts a label of several classes and misreads it as a distribution.
    """
    for total, sample in zip(labels.sum(1).tolist(), data_samples):
        if abs(total - 1) > 0.01:
            raise ValueError(
                f"{sample_name(sample)}: the soft label has a sum of {total:g}, "
                "expected 1; where a sample may have several classes, set "
                "multi_class=True in cls_head and in the data sets"
            )


def sample_name(sample: object) -> str:
    """How an error message calls a data sample."""
    for key in ("filename", "frame_dir", "img_key"):
        name = sample.get(key, None)
        if name is not None:
            return str(name)
    return "a sample without a file name"


def _label(sample: object) -> Tensor:
    label = sample.get("gt_label", None)
    if label is None:
        raise ValueError(f"{sample_name(sample)}: no gt_label, cannot train on it")
    return label


def _yes_or_no(sample: object, num_classes: int) -> Tensor:
    """``(num_classes,)``, each from 0 to 1."""
    label = _label(sample).reshape(-1)
    if len(label) == num_classes and bool(((label >= 0) & (label <= 1)).all()):
        return label.float()
    if label.is_floating_point() and len(label):
        raise ValueError(
            f"{sample_name(sample)}: label has {len(label)} entries from "
            f"{label.min().item():g} to {label.max().item():g}, expected {num_classes} "
            "(num_classes) from 0 to 1"
        )
    numbers = label.long()
    _check_range(numbers, [sample] * len(numbers), num_classes)
    return torch.zeros(num_classes, device=label.device).index_fill_(0, numbers, 1.0)


def _one_label(sample: object, num_classes: int) -> Tensor:
    label = _label(sample)
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
