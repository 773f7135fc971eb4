"""What was found in a file of another framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..plain import array_as_plain
from ..reading import CheckpointError

_FREE = 64 << 20  # bytes that any file may claim
_RATIO = 20  # how far weights could be compressed, and more


@dataclass(frozen=True)
class ForeignFile:
    """The tensors of a file of another framework.

    Args:
        what: What the file is, and what made it.
        tensors: By the names in the file, in the file's own order of axes; on the meta
            device where only the shape is known.
        quantised: Names of tensors that are whole numbers for real ones, and how.
        notes: What else a user must know.
    """

    what: str
    tensors: dict[str, Tensor]
    quantised: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """One line a tensor: its name, shape and type."""
        lines = []
        for name, value in self.tensors.items():
            dtype = str(value.dtype).removeprefix("torch.")
            how = f", {self.quantised[name]}" if name in self.quantised else ""
            lines.append(f"{name} {tuple(value.shape)} {dtype}{how}")
        return lines

    @property
    def elsewhere(self) -> list[str]:
        """Names of tensors whose numbers are not in the file."""
        return [name for name, value in self.tensors.items() if value.is_meta]


class Budget:
    """The memory that the numbers of one file may take: what its size warrants.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size
        self.spent = 0

    def spend(self, count: int) -> None:
        """Ask for ``count`` bytes more.

        Raises:
            CheckpointError: They are more than such a file can hold.
        """
        self.spent += count
        if self.spent > max(_FREE, _RATIO * self.size):
            raise CheckpointError(
                f"{self.path}: says that it holds {self.spent:,} bytes of numbers in "
                f"{self.size:,} bytes; it is broken or a trap, take it from its source "
                "again"
            )


def as_tensor(array: np.ndarray) -> Tensor | None:
    """The array's own numbers as a tensor; None for text, objects and records."""
    plain = array_as_plain(array)
    return plain if isinstance(plain, Tensor) else None


def text(name: str | bytes) -> str:
    """A name of a file, also one that is no UTF-8."""
    return name.decode(errors="replace") if isinstance(name, bytes) else name


def only_shape(shape, dtype: torch.dtype) -> Tensor:
    """A tensor without numbers."""
    return torch.empty(tuple(map(int, shape)), dtype=dtype, device="meta")
