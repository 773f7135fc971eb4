"""Load the weights of a file into a whole model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mmengine.model import BaseTTAModel
from torch import Tensor, nn

from .comparing import Comparison, compare, is_counter, lines_of

_LINES = 5  # of a summary
CLASSIFIERS = ("cls_head", "joint.fusion")


def fill(
    model: nn.Module, weights: Mapping[str, Tensor], *, complete: bool, but: tuple = ()
) -> list[str]:
    """Load weights into a model.

    Args:
        model: Its parameters and buffers are overwritten.
        weights: By name.
        complete: Whether all that the model has must be there.
        but: Prefixes of what is not expected to be there.

    Returns:
        What did not match, a few lines each: what is missing, and what is too much.

    Raises:
        ValueError: They share nothing with the model, a shape differs, what they hold
            are no weights, or, with ``complete``, some are missing; lists what.
    """
    if isinstance(model, BaseTTAModel):
        model = model.module
    expected = model.state_dict()
    found = compare(weights, expected)
    _check(found, weights)
    # torch's own answer: modules may know their parameters by older names too
    missing, foreign = model.load_state_dict(weights, strict=False)
    missing = [k for k in missing if not is_counter(k) and not k.startswith(but)]
    remarks = []
    if missing:
        count = f"{len(missing)} of the model's {len(expected)} tensors"
        remarks.append(f"{count} are not in the checkpoint:\n{summary(missing)}")
        if complete:
            raise ValueError(
                f"{remarks[0]}\nIt is of another model, or of a part of this one: use "
                "the config it was trained with. To start training from it, set "
                "load_from without resume"
            )
        remarks[0] += "\n(they stay as they were initialised)"
    if foreign:
        count = f"{len(foreign)} of the checkpoint's {len(weights)} tensors"
        remarks.append(f"{count} have no place in the model:\n{summary(foreign)}")
    return remarks


def summary(names: Sequence[str]) -> str:
    """Names of parameters in a few lines, by the part of the model they are of."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(".".join(name.split(".")[:2]), []).append(name)
    said = [
        f"  {part}.*: {len(group)}" if len(group) > 1 else f"  {group[0]}"
        for part, group in groups.items()
    ]
    if len(said) > _LINES:
        rest = sum(len(group) for group in list(groups.values())[_LINES - 1 :])
        said[_LINES - 1 :] = [f"  ... and {rest} more"]
    return "\n".join(said)


def _check(found: Comparison, weights: Mapping[str, Tensor]) -> None:
    if found.unusable:
        raise ValueError(
            f"the checkpoint cannot fill the model:\n{lines_of(found.unusable)}"
        )
    if not found.common:
        raise ValueError(
            "the checkpoint shares no parameter name with the model (it has "
            f"{', '.join(sorted(weights)[:3])}, ...): it belongs to another model"
        )
    if found.misfits:
        misfits = [
            f"  {key}: checkpoint {given}, model {wanted}"
            for key, (given, wanted) in found.misfits.items()
        ]
        raise ValueError(
            "the checkpoint does not fit the model:\n"
            + "\n".join(misfits)
            + "\nUse the config it was trained with. To fine-tune with a new head "
            "(another number of classes), set load_from and default_hooks = "
            f"dict(consistency=dict(reinit={_classifiers(found.misfits)}))"
        )


def _classifiers(keys: Iterable[str]) -> list[str]:
    """Parts with a row for each class; the fusion of scores is one."""
    parts = [part for part in CLASSIFIERS if any(k.startswith(part) for k in keys)]
    return parts or [CLASSIFIERS[0]]
