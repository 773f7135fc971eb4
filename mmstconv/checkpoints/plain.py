"""Checkpoints of plain values and tensors, which open without running code.

MMEngine 0.10 stores ``HistoryBuffer`` objects and numpy scalars, and hooks whatever
they like. torch >= 2.6 refuses to unpickle such a file: it cannot be resumed, tested
or published.
"""

from __future__ import annotations

import logging
import os
import pickle
from collections import Counter, OrderedDict, deque
from collections.abc import Mapping
from enum import Enum

import numpy as np
import torch
from mmengine.logging import HistoryBuffer, print_log
from torch import Tensor

HISTORY = "mmstconv_history_buffer"
PICKLED = "mmstconv_pickled"
_PLAIN = {
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    bytearray,
    torch.Size,
    torch.dtype,
    torch.device,
}
_BASES = (str, int, float, bytes)
_SCHEDULERS = "param_schedulers"
_LEFT_OUT = object()


def as_plain(checkpoint: Mapping) -> dict:
    """A checkpoint that opens without trust; the one that is given stays as it is.

    History, numpy's numbers, paths and subclasses of Python's containers become plain
    values. Any other object is kept as its pickle, which is opened again only where
    checkpoints are trusted; the rest of the file never needs that. Functions in the
    state of a scheduler are left out: it has its own.
    """
    left_out: list[str] = []
    plain = _plain(checkpoint, "", left_out)
    if left_out:
        _warn("not saved, for these cannot be pickled: " + ", ".join(left_out))
    return plain


def make_plain(checkpoint: dict) -> None:
    """:func:`as_plain` in place."""
    plain = as_plain(checkpoint)
    checkpoint.clear()
    checkpoint.update(plain)


def restore(checkpoint: dict, *, trust: bool) -> None:
    """Undo :func:`as_plain` for the history and for pickled objects, in place.

    Pickled objects are left out, with a warning, unless the file is trusted.
    """
    restore_history(checkpoint)
    closed: list[str] = []
    _unpickle(checkpoint, "", trust, closed)
    if closed:
        _warn(
            f"not read from the checkpoint, for these could run code: "
            f"{', '.join(closed)}; if the file is yours, set MMSTCONV_TRUST=1"
        )


def restore_history(checkpoint: dict) -> None:
    """Undo :func:`as_plain` for the logging history, in place."""
    hub = checkpoint.get("message_hub")
    scalars = hub.get("log_scalars") if isinstance(hub, Mapping) else None
    for key, value in scalars.items() if isinstance(scalars, dict) else ():
        if isinstance(value, dict) and HISTORY in value:
            log, count, max_length = value[HISTORY]
            scalars[key] = HistoryBuffer(log.numpy(), count.numpy(), max_length)


def array_as_plain(array: np.ndarray):
    """A tensor of numbers, or nested lists of what a tensor cannot hold."""
    if array.dtype.kind not in "biufc" or array.dtype.itemsize > 16:
        return array.tolist()
    own = np.array(array, dtype=array.dtype.newbyteorder("="), order="C")
    try:
        return torch.from_numpy(own)
    except TypeError:  # numbers of a length that torch does not have
        return array.tolist()


def _plain(value, where: str, left_out: list[str]):
    """The same nested value without objects that need trust to unpickle."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, Tensor):
        known = kind is Tensor or kind is torch.nn.Parameter
        return (
            value
            if known and not value.__dict__
            else value.detach().as_subclass(Tensor)
        )
    if isinstance(value, HistoryBuffer):
        log, count = (torch.from_numpy(np.array(x)) for x in value.data)
        return {HISTORY: (log, count, value.max_length)}
    if isinstance(value, np.ndarray):
        return _plain(array_as_plain(value), where, left_out)
    if isinstance(value, np.generic) and not isinstance(value.item(), np.generic):
        return _plain(value.item(), where, left_out)
    if isinstance(value, Enum):
        return _plain(value.value, where, left_out)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, dict):
        return _plain_dict(value, where, left_out)
    if isinstance(value, (list, tuple, set, frozenset, deque)):
        items = [_plain(x, f"{where}[{i}]", left_out) for i, x in enumerate(value)]
        items = [None if x is _LEFT_OUT else x for x in items]
        if isinstance(value, (set, frozenset)):
            return set(items) if all(type(x) in _PLAIN for x in items) else items
        return tuple(items) if isinstance(value, tuple) else items
    base = next((x for x in _BASES if isinstance(value, x)), None)
    if base is not None:
        return base(value)
    return _pickled(value, where, left_out)


def _plain_dict(value: dict, where: str, left_out: list[str]) -> dict:
    kept = (OrderedDict, Counter)
    made = type(value)() if type(value) in kept else {}
    for key, item in value.items():
        place = f"{where}.{key}" if where else str(key)
        item = _plain(item, place, left_out)
        if item is not _LEFT_OUT:
            made[_plain(key, place, left_out)] = item
    if type(value) is OrderedDict:  # a state_dict carries its version as an attribute
        made.__dict__.update(_plain_dict(value.__dict__, where, left_out))
    return made


def _pickled(value, where: str, left_out: list[str]):
    if callable(value) and where.startswith(_SCHEDULERS):
        return _LEFT_OUT
    try:
        content = pickle.dumps(value)
    except Exception:  # whatever the object's own code leads to
        left_out.append(f"{where} ({type(value).__name__})")
        return _LEFT_OUT
    return {PICKLED: content, "type": type(value).__name__}


def _unpickle(value, where: str, trust: bool, closed: list[str]):
    if isinstance(value, dict) and isinstance(value.get(PICKLED), bytes):
        if trust:
            return pickle.loads(value[PICKLED])
        closed.append(f"{where} ({value.get('type')})")
        return _LEFT_OUT
    if isinstance(value, dict):
        for key, item in list(value.items()):
            place = f"{where}.{key}" if where else str(key)
            value[key] = _unpickle(item, place, trust, closed)
            if value[key] is _LEFT_OUT:
                del value[key]
    elif type(value) in (list, tuple):
        items = [_unpickle(x, f"{where}[]", trust, closed) for x in value]
        return type(value)(None if x is _LEFT_OUT else x for x in items)
    return value


def _warn(message: str) -> None:
    print_log(message, logger="current", level=logging.WARNING)
