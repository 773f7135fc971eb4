"""Does a checkpoint belong to a model?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmengine.model import BaseTTAModel
from torch import Tensor, nn

from ..checkpoints.entries import unusable

_COUNTER = "num_batches_tracked"  # old files lack it, and it does not matter


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
        ValueError: They share nothing with the model, a shape differs, or, with
            ``complete``, some are missing.
    """
    if isinstance(model, BaseTTAModel):
        model = model.module
    check_fit(model, weights)
    missing, unexpected = model.load_state_dict(weights, strict=False)
    missing = [k for k in missing if _COUNTER not in k and not k.startswith(but)]
    remarks = []
    if missing:
        count = f"{len(missing)} of the model's {len(model.state_dict())} tensors"
        remarks.append(f"{count} are not in the checkpoint:\n{summary(missing)}")
        if complete:
            raise ValueError(
                f"{remarks[0]}\nIt is of another model, or of a part of this one: use "
                "the config it was trained with. To start training from it, set "
                "load_from without resume"
            )
        remarks[0] += "\n(they stay as they were initialised)"
    if unexpected:
        count = f"{len(unexpected)} of the checkpoint's {len(weights)} tensors"
        remarks.append(f"{count} have no place in the model:\n{summary(unexpected)}")
    return remarks


def summary(names: Sequence[str], *, lines: int = 5) -> str:
    """Names of parameters in a few lines, by the part of the model they are of."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(".".join(name.split(".")[:2]), []).append(name)
    said = [
        f"  {part}.*: {len(group)}" if len(group) > 1 else f"  {group[0]}"
        for part, group in groups.items()
    ]
    if len(said) > lines:
        rest = sum(len(group) for group in list(groups.values())[lines - 1 :])
        said[lines - 1 :] = [f"  ... and {rest} more"]
    return "\n".join(said)


def check_fit(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Compare the shapes of what the model and a checkpoint both have.

    Raises:
        ValueError: They share nothing, a shape differs, or what the checkpoint holds
            are no weights; lists what.
    """
    expected = model.state_dict()
    problems = unusable(weights, expected)
    if problems:
        raise ValueError(
            "the checkpoint cannot fill the model:\n  " + "\n  ".join(problems[:6])
        )
    weights = {k: v for k, v in weights.items() if isinstance(v, Tensor)}
    common = sorted(expected.keys() & weights.keys())
    if not common:
        raise ValueError(
            "the checkpoint shares no parameter name with the model (it has "
            f"{', '.join(sorted(weights)[:3])}, ...): it belongs to another model"
        )
    misfits = [
        f"  {key}: checkpoint {tuple(weights[key].shape)}, "
        f"model {tuple(expected[key].shape)}"
        for key in common
        if weights[key].shape != expected[key].shape
    ]
    if misfits:
        raise ValueError(
            "the checkpoint does not fit the model:\n"
            + "\n".join(misfits)
            + "\nUse the config it was trained with. To fine-tune with a new head "
            "(another number of classes), set load_from and "
            "default_hooks = dict(consistency=dict(reinit=['cls_head']))"
        )
