"""Check that the entries of a checkpoint are of the kinds that MMEngine expects."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from numbers import Integral

from torch import Tensor

from .containers import weights_of
from .plain import HISTORY
from .reading import CheckpointError

_HUB = ("log_scalars", "runtime_info", "resumed_keys")
_MAPPINGS = (
    "state_dict",
    "meta",
    "meta.dataset_meta",
    "message_hub",
    *(f"message_hub.{part}" for part in _HUB),
    "optimizer",
)
_COUNTS = ("meta.epoch", "meta.iter")


def check_entries(path: str | os.PathLike, checkpoint: Mapping) -> None:
    """Check the kinds of the entries that a checkpoint has; it need not have them.

    What other projects call ``meta``, in files that no training of MMEngine wrote, may
    be anything.

    Raises:
        CheckpointError: An entry is of another kind; names the file and the entry.
    """
    foreign = "message_hub" not in checkpoint
    for name in _MAPPINGS:
        value = None if foreign and name == "meta" else _entry(checkpoint, name)
        if value is not None and not isinstance(value, Mapping):
            raise _wrong(path, name, value, "a mapping")
    for name in _COUNTS:
        value = _entry(checkpoint, name)
        if value is not None and not _is_count(value):
            raise _wrong(path, name, value, "a count (0, 1, 2, ...)")
    seed = _entry(checkpoint, "meta.seed")
    if seed is not None and not isinstance(seed, Integral):
        raise _wrong(path, "meta.seed", seed, "a number or None")
    for key, value in (_entry(checkpoint, "message_hub.log_scalars") or {}).items():
        if isinstance(value, Mapping) and HISTORY in value:
            if not _is_history(value[HISTORY]):
                where = f"message_hub.log_scalars[{key!r}]"
                raise _wrong(path, where, value, "a history of numbers")
    schedulers = checkpoint.get("param_schedulers")
    for scheduler in _flat(schedulers) if schedulers is not None else ():
        if not isinstance(scheduler, Mapping):
            raise _wrong(path, "param_schedulers", scheduler, "a list of mappings")
    for key in weights_of(checkpoint):
        if not isinstance(key, str):
            raise CheckpointError(
                f"{path}: its weights are named by {key!r}, not by text; it is no "
                "checkpoint of a network"
            )


def check_resumable(path: str | os.PathLike, checkpoint: Mapping) -> None:
    """Check that a checkpoint has what MMEngine's ``resume`` reads.

    Raises:
        CheckpointError: An entry is missing; names the file and the entry.
    """
    for name in ("state_dict", *_COUNTS, *(f"message_hub.{part}" for part in _HUB)):
        if _entry(checkpoint, name) is None:
            raise CheckpointError(
                f"{path}: cannot be resumed from, it has no {name}; to start training "
                "from its weights, set load_from without --resume"
            )


def _entry(checkpoint: Mapping, name: str):
    """``meta.epoch`` and the like; None where it or what it is in is missing."""
    value = checkpoint
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _is_count(value) -> bool:
    if isinstance(value, bool) or not isinstance(value, Integral):
        return False
    return 0 <= value < 2**62


def _is_history(value) -> bool:
    """Numbers and their counts, as many of one as of the other, and a limit."""
    if not isinstance(value, (tuple, list)) or len(value) != 3:
        return False
    log, count, length = value
    if not all(isinstance(x, Tensor) and x.dim() == 1 for x in (log, count)):
        return False
    return log.shape == count.shape and _is_count(length) and length >= len(log)


def _flat(schedulers) -> Sequence:
    """The states of schedulers, of one optimizer or of several."""
    if isinstance(schedulers, Mapping):
        lists = list(schedulers.values())
        return [x for one in lists for x in (one if isinstance(one, list) else [one])]
    return schedulers if isinstance(schedulers, (list, tuple)) else [schedulers]


def _wrong(path, name: str, value, wanted: str) -> CheckpointError:
    given = repr(value)
    given = given if len(given) < 40 else f"a {type(value).__name__}"
    return CheckpointError(f"{path}: its entry {name} is {given}, not {wanted}")
