"""Find the weights in a file: below which entry, and without prefixes of wrappers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from torch import Tensor

# What projects call the entry that holds the weights, in the order of preference.
CONTAINERS = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "weights",
    "params",
    "module",
)
_AVERAGED = re.compile(r"(^|_)(ema|swa|averaged|teacher)(_|$)|^ema|ema$")
_NO_WEIGHTS = re.compile(r"optim|sched|scaler|criterion|loss|message_hub|meta|hyper")
# Parts of a name that say how a network was run: DDP, torch.compile, FSDP.
_WRAPPERS = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
_DDP = "module."
_SWAPPED = "ema_state_dict"  # MMEngine's EMAHook


def is_averaged(name: str) -> bool:
    """Whether a name is one for weights that are averaged over training."""
    return bool(_AVERAGED.search(name.lower()))


def without_wrappers(weights: Mapping) -> dict:
    """Names as the network has them: without what DDP, FSDP and compiling add."""
    return {_unwrapped(key): value for key, value in weights.items()}


def _unwrapped(key):
    if not isinstance(key, str):
        return key
    while True:
        before = key
        key = key.removeprefix(_DDP)
        for part in _WRAPPERS:
            key = key.removeprefix(f"{part}.").replace(f".{part}.", ".")
        if key == before:
            return key


def weights_of(checkpoint: Mapping) -> dict[str, Tensor]:
    """The parameters in a checkpoint, without what is around them.

    That is a container such as ``{'state_dict': ...}``, and the prefixes that wrappers
    such as DDP left.
    """
    weights = checkpoint
    for _ in CONTAINERS:  # one may hold the other
        entries = (weights.get(name) for name in CONTAINERS)
        inner = next((one for one in entries if isinstance(one, Mapping)), None)
        if inner is None:
            break
        weights = inner
    return without_wrappers(weights)


def choose_weights(
    checkpoint: Mapping, *, ema: bool = False
) -> tuple[dict[str, Tensor], list[str], bool]:
    """The weights of a file that may hold several sets of them.

    Args:
        checkpoint: What the file holds.
        ema: Take those that were averaged over training, not those of the last step.

    Returns:
        The weights under their own names, tensors only; what was chosen, if there was
        a choice, line by line; whether averaged ones are still to be found among them,
        by their prefix.

    Raises:
        ValueError: There are none, or none that were averaged, or several and no way
            to tell which; says what there is.
    """
    found = dict(_sets(checkpoint, ""))
    averaged = [name for name in found if is_averaged(name)]
    plain = [name for name in found if name not in averaged]
    swapped = _SWAPPED in averaged and "message_hub" in checkpoint
    if swapped:
        averaged, plain = plain, averaged
    if not found:
        keys = ", ".join(str(key) for key in list(checkpoint)[:5])
        raise ValueError(f"no tensor among its entries ({keys or 'none'})")
    wanted, other = (averaged, plain) if ema else (plain, averaged)
    notes = []
    inside = ema and not wanted
    if inside:
        if not _averaged_prefixes(found):
            raise ValueError(
                f"ema was asked for, but it holds no averaged weights, only "
                f"{', '.join(map(_said, plain))}"
            )
        wanted, other = plain, []
    if not wanted:
        wanted, other = other, []
        notes.append(f"only averaged weights (EMA) are in the file: {_said(wanted[0])}")
    name = _preferred(wanted, found)
    if other:
        notes.append(_choice(name, other, ema))
        if swapped:
            notes.append("MMEngine's EMAHook puts the averaged ones into state_dict")
    rest = [one for one in wanted if one != name]
    if rest:
        notes.append(f"not read: {', '.join(map(_said, rest))}")
    tensors = without_wrappers(found[name])
    return (
        {str(k): v for k, v in tensors.items() if isinstance(v, Tensor)},
        notes,
        inside,
    )


def _choice(name: str, other: list[str], ema: bool) -> str:
    """Which of a file's weights were taken, and how to get the others."""
    kinds = ("averaged (EMA)", "of the last step")
    mine, theirs = kinds if ema else reversed(kinds)
    remedy = "without --ema" if ema else "--ema (ema=True)"
    return (
        f"weights {mine} were taken, from {_said(name)}; those {theirs} are in "
        f"{', '.join(map(_said, other))}: {remedy}"
    )


def _averaged_prefixes(found: Mapping[str, Mapping]) -> set[str]:
    """First parts of names that are averages, inside of sets."""
    return {
        part
        for weights in found.values()
        for part in (str(key).split(".")[0] for key in without_wrappers(weights))
        if is_averaged(part)
    }


def _sets(checkpoint: Mapping, where: str) -> Iterator[tuple[str, Mapping]]:
    """Mappings that hold tensors, by their place; the innermost ones."""
    inner = []
    for key, value in checkpoint.items():
        if not isinstance(value, Mapping) or not isinstance(key, str):
            continue
        if len(where.split(".")) < 4 and not _NO_WEIGHTS.search(key.lower()):
            inner += _sets(value, f"{where}.{key}" if where else key)
    some = any(isinstance(value, Tensor) for value in checkpoint.values())
    if any(map(_weighs, checkpoint.values())) or (some and not inner):
        yield where, checkpoint
    yield from inner


def _weighs(value) -> bool:
    """Whether it can be a weight: counters and rates have no axis."""
    return isinstance(value, Tensor) and value.dim() > 0


def _preferred(names: list[str], found: Mapping[str, Mapping]) -> str:
    """The set that projects mean, or else the only one."""
    for container in ("", *CONTAINERS):
        for name in names:
            if name.split(".")[0] == container:
                return name
    if len(names) > 1:
        sizes = ", ".join(f"{_said(x)} ({len(found[x])} tensors)" for x in names)
        raise ValueError(
            f"holds several sets of weights: {sizes}; save the one that is meant"
        )
    return names[0]


def _said(name: str) -> str:
    return repr(name) if name else "the file's top level"
