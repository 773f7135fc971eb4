"""Moving MNIST made on the fly, of the digits that scikit-learn brings along."""

from __future__ import annotations

import numpy as np
from mmaction.registry import DATASETS

from ..tolerant_dataset import TolerantDataset
from .moving_digits import digit_images, moving_digits


@DATASETS.register_module()
class MovingDigitsDataset(TolerantDataset):
    """Sequences as Moving MNIST's, without a download: drawn when they are asked for.

    Motion, sizes and overlap are those of the standard. The digits are not: they are
    scikit-learn's 1797 of 8 x 8 pixels, enlarged to 28 x 28 and so softer than MNIST's
    60,000. Errors on them are not those of published tables, which are of
    ``mnist_test_seq.npy`` (:class:`MovingMNISTDataset`).

    In training a sample is another one each time. In ``test_mode`` it follows from
    ``seed`` and its place; digits are then of the part that training never draws.

    Args:
        count: Sequences, of an epoch.
        digits: In a sequence.
        length: Frames of a sequence.
        size: Pixels of a side of a frame.
        digit_size: Pixels of a side of a digit.
        seed: Of ``test_mode``.
        **kwargs: Of MMEngine's ``BaseDataset``: ``pipeline``, ``test_mode``.
    """

    def __init__(
        self,
        count: int = 10000,
        *,
        digits: int = 2,
        length: int = 20,
        size: int = 64,
        digit_size: int = 28,
        seed: int = 0,
        **kwargs,
    ) -> None:
        for name, value in dict(count=count, digits=digits, length=length).items():
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a positive integer, got {value!r}")
        if not 8 <= digit_size < size:
            raise ValueError(
                f"digit_size must be at least 8 and less than size={size}, got "
                f"{digit_size!r}"
            )
        self.count = count
        self.seed = seed
        self.digit_size = digit_size
        self.drawing = dict(digits=digits, length=length, size=size)
        super().__init__(**kwargs)

    def load_data_list(self) -> list[dict]:
        """An item for each place."""
        return [dict(filename=f"moving digits {k}", place=k) for k in range(self.count)]

    def get_data_info(self, idx: int) -> dict:
        """A sample's information, its frames among it: uint8 ``(length, size, size)``.

        In training they are drawn by NumPy's global generator, as all augmentation is.
        """
        info = super().get_data_info(idx)
        place = info.pop("place")
        start = (
            (self.seed, place) if self.test_mode else np.random.randint(2**31, size=4)
        )
        images = digit_images("test" if self.test_mode else "train", self.digit_size)
        rng = np.random.default_rng(start)
        info["frames"] = moving_digits(rng, images, **self.drawing)
        info.update(modality="RGB", start_index=0, label=-1)
        return info
