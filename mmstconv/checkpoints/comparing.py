"""Do weights fit the parameters of a network? Every such question is answered here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

COUNTER = "num_batches_tracked"  # old files lack it, and it changes no output


@dataclass(frozen=True)
class Comparison:
    """Where weights and the parameters that they are meant for differ.

    Args:
        common: Names that both have.
        missing: Names of parameters without weights; counters of batches are left out.
        foreign: Names of weights without a parameter.
        misfits: Names that both have in different shapes; the shape of the weights,
            then that of the parameter.
        unusable: One line for each of the weights that hold no usable numbers.
    """

    common: list[str]
    missing: list[str]
    foreign: list[str]
    misfits: dict[str, tuple[tuple, tuple]] = field(default_factory=dict)
    unusable: list[str] = field(default_factory=list)


def compare(weights: Mapping, expected: Mapping[str, Tensor]) -> Comparison:
    """Compare weights with the parameters of a network, by names, shapes and types.

    Args:
        weights: Of a file, by name.
        expected: The network's ``state_dict``; may be on the meta device.
    """
    common = [
        key
        for key in expected
        if isinstance(weights.get(key), Tensor) and isinstance(expected[key], Tensor)
    ]
    shapes = {
        key: (tuple(weights[key].shape), tuple(expected[key].shape)) for key in common
    }
    return Comparison(
        common=common,
        missing=[key for key in expected if key not in weights and not is_counter(key)],
        foreign=[key for key in weights if key not in expected],
        misfits={key: pair for key, pair in shapes.items() if pair[0] != pair[1]},
        unusable=unusable(weights, expected),
    )


def unusable(weights: Mapping, expected: Mapping[str, Tensor]) -> list[str]:
    """What a file holds that no parameter can be filled with, one line each.

    Args:
        weights: Of the file.
        expected: Parameters of the network by the same names; a name that is missing
            is taken for real numbers.
    """
    problems = []
    for key, value in weights.items():
        wanted = expected.get(key)
        if not isinstance(value, Tensor):
            if wanted is not None:
                problems.append(f"{key} is a {type(value).__name__}, not a tensor")
            continue
        problem = _problem_of(value, None if is_counter(key) else wanted)
        if problem:
            problems.append(f"{key} {problem}")
    return problems


def is_counter(key: str) -> bool:
    """Whether a name is that of a norm's counter of batches."""
    return str(key).endswith(COUNTER)


def are_flat(given: Sequence[int], wanted: Sequence[int]) -> bool:
    """Whether shapes are those of a 2D kernel and of a 3D one."""
    return len(given) == 4 and len(wanted) == 5


def differ_in_input(given: Sequence[int], wanted: Sequence[int]) -> bool:
    """Whether shapes are those of kernels that differ in their input channels alone."""
    return (
        len(given) == len(wanted) >= 3
        and given[1] != wanted[1]
        and (given[0], *given[2:]) == (wanted[0], *wanted[2:])
    )


def lines_of(items: Sequence[str], most: int = 6) -> str:
    """The first items, a line each, indented; then how many more there are."""
    rest = [f"... and {len(items) - most} more"] if len(items) > most else []
    return "\n".join(f"  {item}" for item in [*items[:most], *rest])


def _problem_of(value: Tensor, wanted: Tensor | None) -> str | None:
    if value.is_meta:
        return "is on the meta device: it has a shape and no numbers"
    if value.is_quantized:
        return f"is quantized ({value.dtype}); save the network before quantization"
    if value.layout is not torch.strided or value.is_nested:
        return f"is sparse or nested ({value.layout}); save it with to_dense()"
    complex_wanted = wanted is not None and wanted.is_complex()
    if value.is_complex() and not complex_wanted:
        return f"holds complex numbers ({value.dtype})"
    if wanted is None or _is_weight(wanted) == _is_weight(value):
        return None
    return f"holds {value.dtype}, where the network has {wanted.dtype}"


def _is_weight(tensor: Tensor) -> bool:
    """Whether a tensor holds weights, not counts, indices or truth values."""
    return tensor.is_floating_point() or tensor.is_complex()
