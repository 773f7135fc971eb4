"""NumPy's files: one array, a pickled dictionary of arrays, or an archive of them."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.lib import format as npy
from torch import Tensor

from ..reading import CheckpointError, broken
from .content import Budget, ForeignFile, as_tensor
from .plain_pickle import ForbiddenName, load_plain

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_MOST = 100_000  # names; a pickle can make its tree far larger than itself


def read_npy(path: Path) -> ForeignFile:
    """One array, or what an array of objects holds (``numpy.save`` of a dictionary)."""
    budget = Budget(path)
    value, pickled = _read(path, path.read_bytes(), budget)
    what = "a numpy file (.npy)" + (" of a pickled object" if pickled else "")
    return _content(path, what, value)


def read_npz(path: Path) -> ForeignFile:
    """An archive of arrays by name."""
    budget = Budget(path)
    value = {}
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        budget.spend(sum(member.file_size for member in members))
        for member in members:
            name = member.filename.removesuffix(".npy")
            value[name], _ = _read(path, archive.read(member), budget)
    return _content(path, "an archive of numpy arrays (.npz)", value)


def _read(path: Path, content: bytes, budget: Budget) -> tuple[object, bool]:
    """The value of one array, and whether it is pickled."""
    file = io.BytesIO(content)
    version = npy.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"version {version} of the format, for records only")
    shape, fortran, dtype = _HEADERS[version](file)
    rest = content[file.tell() :]
    if dtype.hasobject:
        try:
            return load_plain(rest, budget.spend), True
        except ForbiddenName as error:
            raise CheckpointError(
                f"{path}: holds Python objects beside its arrays ({error}), and "
                "opening it could run any code; save the arrays with numpy.savez"
            ) from error
    claimed = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or claimed != len(rest):
        raise ValueError(
            f"its header says {shape} of {dtype}, {claimed} bytes, and {len(rest)} "
            "follow"
        )
    array = np.frombuffer(rest, dtype).reshape(shape, order="F" if fortran else "C")
    value = as_tensor(array)
    return str(dtype) if value is None else value, False


def _content(path: Path, what: str, value) -> ForeignFile:
    tensors, others = {}, []
    for name, leaf in _leaves(value, ""):
        if len(tensors) + len(others) >= _MOST:
            raise CheckpointError(f"{path}: {broken(ValueError('too many names'))}")
        if isinstance(leaf, Tensor):
            tensors[name] = leaf
        elif type(leaf) in (int, float):
            tensors[name] = torch.tensor(leaf)
        else:
            others.append(f"{name} ({type(leaf).__name__})")
    notes = ()
    if others:
        rest = f", ... ({len(others)} in all)" if len(others) > 3 else ""
        notes = (f"beside its numbers: {', '.join(others[:3])}{rest}",)
    return ForeignFile(what, tensors, notes=notes)


def _leaves(value, where: str) -> Iterator[tuple[str, object]]:
    """What nested dictionaries and lists hold, by the names on the way joined."""
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, (list, tuple)):
        items = enumerate(value)
    else:
        yield where or "array", value
        return
    for key, item in items:
        yield from _leaves(item, f"{where}.{key}" if where else str(key))
