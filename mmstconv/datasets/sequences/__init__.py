"""Sequences of frames, of which the last ones are to be forecast."""

from .frame_sequence_dataset import FrameSequenceDataset
from .kth_dataset import KTHDataset
from .moving_digits_dataset import MovingDigitsDataset
from .moving_mnist_dataset import MovingMNISTDataset

__all__ = [
    "FrameSequenceDataset",
    "KTHDataset",
    "MovingDigitsDataset",
    "MovingMNISTDataset",
]
