"""Files of other frameworks, read far enough to say what they hold.

NumPy's ``.npy`` and ``.npz``, Keras' ``.h5`` and ``.keras``, ONNX and TensorFlow Lite.
Nothing in a file is run, nothing outside of it is opened, and no memory is asked for
that its size does not warrant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from .. import kinds
from ..reading import CheckpointError, broken
from .content import ForeignFile
from .hdf5_file import read_hdf5, read_keras
from .numpy_file import read_npy, read_npz
from .onnx_file import read_onnx
from .tflite_file import read_tflite

READERS: Mapping[str, Callable[[Path], ForeignFile]] = MappingProxyType(
    {
        kinds.NPY: read_npy,
        kinds.NPZ: read_npz,
        kinds.HDF5: read_hdf5,
        kinds.KERAS: read_keras,
        kinds.ONNX: read_onnx,
        kinds.TFLITE: read_tflite,
    }
)


def read_foreign(path: Path) -> ForeignFile | None:
    """What a file of another framework holds; None if it is not of one.

    Raises:
        CheckpointError: The file is broken, claims more than it can hold, or needs a
            package that is not installed; names the file and says which.
    """
    if not path.is_file():
        return None
    read = READERS.get(kinds.kind_of(path))
    if read is None:
        return None
    try:
        return read(path)
    except (CheckpointError, PermissionError, FileNotFoundError):
        raise
    except Exception as error:  # parsers raise whatever the bytes lead to
        raise CheckpointError(f"{path}: {broken(error)}") from error


__all__ = ["READERS", "ForeignFile", "read_foreign"]
