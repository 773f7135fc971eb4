"""HDF5 files, as Keras writes its weights."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..reading import CheckpointError
from .content import Budget, ForeignFile, as_tensor, text

_WEIGHTS = "model.weights.h5"
_ORDER = (
    "Keras has the axes of a kernel as (..., in, out), torch as (out, in, ...): "
    "checkpoints.kernel_order.from_tensorflow"
)


def read_hdf5(path: Path) -> ForeignFile:
    """A file of Keras (``.h5``, ``.weights.h5``) or of another program."""
    return _read(path, path, "an HDF5 file")


def read_keras(path: Path) -> ForeignFile:
    """The weights in a ``.keras`` archive."""
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo(_WEIGHTS)
        Budget(path).spend(member.file_size)
        content = io.BytesIO(archive.read(member))
    return _read(path, content, "a Keras model (.keras)")


def _read(path: Path, content: Path | io.BytesIO, what: str) -> ForeignFile:
    try:
        import h5py
    except ImportError:
        raise CheckpointError(
            f"{path}: is {what}; pip install h5py to read it"
        ) from None
    with h5py.File(content, "r") as file:
        found = dict(_data_sets(file, h5py))
        Budget(path).spend(sum(x.size * x.dtype.itemsize for x in found.values()))
        away = [name for name, one in found.items() if one.external or one.is_virtual]
        if away:
            raise CheckpointError(
                f"{path}: its numbers are in other files ({away[0]}), which are not "
                "opened; copy them into one with h5repack"
            )
        maker = _maker(file)
        tensors, others = {}, []
        for name, one in found.items():
            value = as_tensor(np.asarray(one)) if one.dtype.kind in "biufc" else None
            if value is None:
                others.append(f"{name} is of {one.dtype}, not read")
            else:
                tensors[name] = value
    notes = (_ORDER, *others[:3]) if maker else tuple(others[:3])
    return ForeignFile(f"{what}{maker}", tensors, notes=notes)


def _data_sets(file, h5py) -> Iterator[tuple[str, object]]:
    """Each array of the file by its path; links out of the file are not followed."""
    found = []
    file.visititems(lambda name, one: found.append((text(name), one)))
    for name, one in found:
        if isinstance(one, h5py.Dataset) and one.shape is not None:
            yield name, one


def _maker(file) -> str:
    """What Keras leaves of itself in the attributes and names."""
    for place in (file, file.get("model_weights")):
        version = None if place is None else place.attrs.get("keras_version")
        if version is not None:
            return f" of Keras {text(version)}"
    keras3 = any(key in file for key in ("vars", "layers", "_layer_checkpoint"))
    return " of Keras 3" if keras3 else ""
