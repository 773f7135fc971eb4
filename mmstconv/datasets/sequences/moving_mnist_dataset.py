"""Moving MNIST's test set, as its one file has it."""

from __future__ import annotations

import numpy as np
from mmaction.registry import DATASETS

from ..tolerant_dataset import TolerantDataset

ADVICE = (
    "mnist_test_seq.npy of Moving MNIST is uint8 (20, 10000, 64, 64), frames first, "
    "and is read as it is"
)


@DATASETS.register_module()
class MovingMNISTDataset(TolerantDataset):
    """``mnist_test_seq.npy`` of `Moving MNIST <https://arxiv.org/abs/1502.04681>`_.

    The file is read as it is published, uint8 ``(20, 10000, 64, 64)``, frames first,
    and is never in memory as a whole. A sample has ``frames``, uint8 ``(20, 64, 64)``,
    for ``LoadFrameArray``. Published tables forecast frames 11 to 20 from frames 1 to
    10 of all 10,000, and train on sequences of MNIST's digits drawn on the fly;
    :class:`MovingDigitsDataset` draws such ones of other digits.

    Args:
        ann_file: The file.
        length: Frames of a sequence.
        **kwargs: Of MMEngine's ``BaseDataset``: ``pipeline``, ``indices`` (the first
            so many sequences, or these), ``test_mode``.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is cut off, or no array of bytes of that shape.
    """

    def __init__(self, ann_file: str, *, length: int = 20, **kwargs) -> None:
        self.length = length
        self._array: np.ndarray | None = None  # opened by each process
        super().__init__(ann_file=ann_file, **kwargs)

    def load_data_list(self) -> list[dict]:
        """An item for each sequence."""
        count = self._opened().shape[1]
        return [dict(filename=f"{self.ann_file}:{k}", place=k) for k in range(count)]

    def get_data_info(self, idx: int) -> dict:
        """A sample's information, its frames among it."""
        info = super().get_data_info(idx)
        place = info.pop("place")
        info["frames"] = np.array(self._opened()[:, place])
        info.update(modality="RGB", start_index=0, label=-1)
        return info

    def __getstate__(self) -> dict:
        """Without the array, which would be copied."""
        return {**self.__dict__, "_array": None}

    def _opened(self) -> np.ndarray:
        """The array as it lies on the disk."""
        if self._array is not None:
            return self._array
        try:
            array = np.load(self.ann_file, mmap_mode="r", allow_pickle=False)
        except FileNotFoundError:
            raise FileNotFoundError(f"{self.ann_file} does not exist") from None
        except (ValueError, EOFError, OSError) as error:
            raise ValueError(
                f"{self.ann_file}: is no whole NumPy array ({error}); {ADVICE}"
            ) from error
        shape = getattr(array, "shape", None)
        fits = shape and len(shape) == 4 and shape[0] == self.length and all(shape)
        if not fits or array.dtype != np.uint8:
            raise ValueError(
                f"{self.ann_file}: expected uint8 ({self.length}, sequences, height, "
                f"width), got {getattr(array, 'dtype', type(array).__name__)} {shape}"
                f"{_hint(shape, self.length)}; {ADVICE}"
            )
        self._array = array
        return array


def _hint(shape: tuple[int, ...] | None, length: int) -> str:
    if shape and len(shape) == 4 and shape[1] == length:
        return ", which has sequences first: array.swapaxes(0, 1)"
    return ""
