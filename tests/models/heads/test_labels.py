from __future__ import annotations

import pytest
import torch
from helpers_culprits import for_each
from mmaction.structures import ActionDataSample

from mmstconv.models.heads.labels import collect_labels, smooth_labels


def samples(*labels):
    return [ActionDataSample().set_gt_label(label) for label in labels]


def test_class_labels():
    assert torch.equal(collect_labels(samples(2, 0), 3), torch.tensor([2, 0]))


@for_each("classes", [1, 3])
@for_each("rows", [1, 3])
def test_one_class_number_per_row_at_any_batch_size(rows, classes):
    assert collect_labels(samples(*[0] * rows), classes).shape == (rows,)


@pytest.mark.parametrize("rows", [1, 3])
def test_soft_labels(rows):
    soft = torch.rand(rows, 3)
    assert torch.equal(collect_labels(samples(*soft), 3), soft)


def test_multi_hot_labels_are_soft():
    labels = collect_labels(samples([0, 1, 1]), 3)
    assert torch.equal(labels, torch.tensor([[0.0, 1.0, 1.0]]))


def test_smoothing_sums_to_one():
    labels = torch.tensor([1])
    smoothed = smooth_labels(labels, 4, 0.2)
    assert torch.allclose(smoothed, torch.tensor([[0.05, 0.85, 0.05, 0.05]]))
    assert smooth_labels(labels, 4, 0) is labels


def test_sample_without_a_file_name():
    with pytest.raises(ValueError, match="without a file name: label 3"):
        collect_labels(samples(3), 3)
