"""Does a checkpoint belong to a model?"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn


def check_fit(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Compare the shapes of what the model and a checkpoint both have.

    Raises:
        ValueError: They share nothing, or a shape differs; lists what.
    """
    expected = model.state_dict()
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
            "(another number of classes), set in custom_hooks "
            "dict(type='ConsistencyHook', reinit=['cls_head'])"
        )
