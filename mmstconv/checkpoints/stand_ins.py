"""What other programs put beside their tensors, read without running any of it.

Stock MMEngine saves its logging history as ``HistoryBuffer`` objects, numpy scalars
and arrays, and the annealing function of ``OneCycleLR``; other projects save
``argparse.Namespace`` and paths. While torch's restricted unpickler reads a file, each
of these names means one of the stand-ins below. They only take note of the bytes that
they are given; :func:`settle` makes plain values and tensors of them afterwards. No
class or function that a file names is ever called, imported or looked up.
"""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from threading import Lock

import numpy as np
import torch
from torch.serialization import (
    add_safe_globals,
    clear_safe_globals,
    get_safe_globals,
)

from .plain import HISTORY, array_as_plain

# Numbers of known size, and text: nothing that holds objects or fields.
_DTYPE = re.compile(r"b1|[iu][1248]|f[248]|c(8|16)|U[0-9]{1,6}")
_LOCK = Lock()  # what torch takes for safe is one set for the process


class _Noted:
    """An object of which only the state is kept."""

    __slots__ = ("state",)

    def __init__(self) -> None:
        self.state = None

    def __new__(cls):
        self = object.__new__(cls)
        self.state = None
        return self

    def __setstate__(self, state) -> None:
        self.state = state


class _Array(_Noted):
    """``numpy.ndarray``: its state is (version, shape, dtype, is Fortran, bytes)."""

    __slots__ = ()

    def objects(self):
        """What is read in place of numbers: nothing."""
        return None

    def value(self) -> np.ndarray:
        _, shape, dtype, fortran, raw = self.state
        flat = np.frombuffer(_bytes(raw), _dtype(dtype))
        return flat.reshape(shape, order="F" if fortran else "C")


class _DType(_Noted):
    """``numpy.dtype``: a name, and the byte order as its state."""

    __slots__ = ("name",)

    def __new__(cls, name, align=False, copy=True):
        self = _Noted.__new__(cls)
        self.name = name
        return self

    def __init__(self, name, align=False, copy=True) -> None:
        pass


class _History(_Noted):
    """``HistoryBuffer``: a dict of two arrays and a number."""

    __slots__ = ()

    def value(self) -> dict:
        log, count = (self.state[f"_{k}_history"].value() for k in ("log", "count"))
        max_length = self.state["max_length"]
        numbers = {log.dtype.kind, count.dtype.kind} <= set("iufb")
        if not numbers or log.ndim != 1 or log.shape != count.shape:
            raise ValueError("its logging history is none")
        if type(max_length) is not int or max_length < 1:
            raise ValueError(f"the length of its logging history is {max_length!r}")
        log, count = (torch.from_numpy(_native(x)) for x in (log, count))
        return {HISTORY: (log, count, max_length)}


class _Namespace(_Noted):
    """``argparse.Namespace``: a dict of what was parsed."""

    __slots__ = ()

    def value(self) -> dict:
        if type(self.state) is not dict:
            raise ValueError("its argparse.Namespace is none")
        return self.state


class _Named(_Noted):
    """A class or function that is named and never used."""

    __slots__ = ()


def _reconstruct(kind, shape, code):
    return _Array()


def _scalar(dtype, raw):
    dtype, raw = _dtype(dtype), _bytes(raw)
    if len(raw) != dtype.itemsize:
        raise ValueError("a number of another length than its type")
    return np.frombuffer(raw, dtype)[0].item()


def _attribute(owner, name):
    return _Named()


def _no_bytes():
    return b""


def _path(*parts):
    if not all(type(part) is str for part in parts):
        raise ValueError("a path that is no text")
    return str(PurePosixPath(*parts))


def _mapping(*content):
    """``defaultdict(factory)`` and MMEngine's ``ConfigDict({...})``."""
    return next((x for x in content if type(x) is dict), {})


def _bytes(raw) -> bytes:
    if type(raw) is str:  # as Python 2 wrote them
        return raw.encode("latin-1")
    if type(raw) is not bytes:
        raise ValueError("an array that is not of bytes")
    return raw


def _dtype(noted) -> np.dtype:
    """The type of an array's numbers.

    Raises:
        ValueError: It is none of the plain ones.
    """
    if type(noted) is not _DType or type(noted.name) is not str:
        raise ValueError("an array without a type")
    order, *rest = (noted.state or (None, "="))[1:5]
    if not _DTYPE.fullmatch(noted.name) or order not in ("<", ">", "|", "="):
        raise ValueError(f"an array of type {noted.name!r}")
    if any(part is not None for part in rest):
        raise ValueError("an array of a type with parts")
    return np.dtype(noted.name).newbyteorder(order)


def _native(array: np.ndarray) -> np.ndarray:
    return np.array(array, dtype=array.dtype.newbyteorder("="), order="C")


def _named(stand_in, path: str):
    """A stand-in that torch takes for what has this name."""
    module, _, name = path.rpartition(".")
    if isinstance(stand_in, type):
        made = type(name, (stand_in,), {"__slots__": (), "__module__": module})
    else:

        def made(*args):
            return stand_in(*args)

        made.__module__, made.__name__ = module, name
    made.__qualname__ = name
    return made


# torch wants an object of a class to be of the very class that it allows
_Array = _named(_Array, "numpy.ndarray")
_DType = _named(_DType, "numpy.dtype")
_History = _named(_History, "mmengine.logging.history_buffer.HistoryBuffer")
_Namespace = _named(_Namespace, "argparse.Namespace")
_SCHEDULER = "mmengine.optim.scheduler.param_scheduler.OneCycleParamScheduler"
_FUNCTIONS: dict[str, Callable] = {
    "numpy._core.multiarray._reconstruct": _reconstruct,
    "numpy._core.multiarray.scalar": _scalar,
    "numpy.core.multiarray._reconstruct": _reconstruct,
    "numpy.core.multiarray.scalar": _scalar,
    "builtins.getattr": _attribute,
    "builtins.bytes": _no_bytes,
    "collections.defaultdict": _mapping,
    "mmengine.config.config.ConfigDict": _mapping,
    **{
        f"{module}.{kind}": _path
        for module in ("pathlib", "pathlib._local")
        for kind in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")
    },
}
_STAND_INS = (
    _Array,
    _DType,
    _History,
    _Namespace,
    _named(_Named, _SCHEDULER),
    _named(_Named, "builtins.dict"),
    _named(_Named, "builtins.list"),
    _named(_Named, "builtins.int"),
    _named(_Named, "builtins.float"),
    *(_named(function, path) for path, function in _FUNCTIONS.items()),
)
STAND_INS = {f"{x.__module__}.{x.__qualname__}": x for x in _STAND_INS}
_NAMES = set(STAND_INS)
NotedArray = _Array


@contextmanager
def standing_in() -> Iterator[None]:
    """Let torch's restricted unpickler use the stand-ins, and nothing of their name."""
    with _LOCK:
        before = get_safe_globals()
        clear_safe_globals()
        add_safe_globals([x for x in before if _name_of(x) not in _NAMES])
        add_safe_globals(list(_STAND_INS))
        try:
            yield
        finally:
            clear_safe_globals()
            add_safe_globals(before)


def _name_of(allowed) -> str:
    """The name under which torch allows an object, or a pair of one and its name."""
    if isinstance(allowed, tuple):
        return allowed[1]
    return f"{allowed.__module__}.{allowed.__qualname__}"


def is_note(value) -> bool:
    """Whether a value is a stand-in that takes note of a state."""
    return isinstance(value, _Noted)


def settle(value, seen: dict | None = None):
    """Plain values and tensors for the stand-ins in a nested value, partly in place.

    Functions that were only named are left out of dicts, and None elsewhere. Each
    object is visited once, however often it occurs.

    Raises:
        Exception: Their content is not what it should be; whatever that leads to.
    """
    seen = {} if seen is None else seen
    if id(value) in seen:
        return seen[id(value)][1]
    seen[id(value)] = (value, value)  # the first keeps the id from being used again
    settled = value
    if isinstance(value, _Array):
        objects = value.objects()
        numbers = objects is None
        settled = array_as_plain(value.value()) if numbers else settle(objects, seen)
    elif isinstance(value, (_History, _Namespace)):
        settled = settle(value.value(), seen)
    elif isinstance(value, _Noted) or any(value is one for one in _STAND_INS):
        settled = None
    elif type(value) in (dict, OrderedDict, Counter):
        for key, item in list(value.items()):
            value[key] = settle(item, seen)
            if isinstance(item, _Noted) and value[key] is None:
                del value[key]
        if type(value) is OrderedDict:
            settle(value.__dict__, seen)
    elif type(value) is list:
        value[:] = [settle(item, seen) for item in value]
    elif type(value) in (tuple, set):
        settled = type(value)(settle(item, seen) for item in value)
    seen[id(value)] = (value, settled)
    return settled
