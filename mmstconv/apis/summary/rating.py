"""How much each step of a film matters to a model, of any head."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from ...datasets.film_steps import FilmSteps
from ...models.heads import TrainingFreeSummaryHead
from ..film_steps import as_features
from ..tasks import summary_head


class Rating(NamedTuple):
    """What a model says of the steps of a film.

    Args:
        importance: In 0..1, ``(T,)``.
        fused: Fused features, ``(T, D)``.
        rated_by: Class of the head.
    """

    importance: np.ndarray
    fused: np.ndarray
    rated_by: str


@torch.inference_mode()
def rate_steps(model: nn.Module, steps: FilmSteps) -> Rating:
    """Importance of each step, by the model's head, or by its features alone.

    A model whose head rates no steps, such as a recognizer, is joined by
    ``TrainingFreeSummaryHead``, which needs no training.

    Args:
        model: Of ``load_recognizer``.
        steps: Of the film.

    Raises:
        ValueError: The steps are of another model.
    """
    widths = model.joint.in_channels
    found = {name: x.shape[1] for name, x in steps.feats.items()}
    if found != dict(widths):
        raise ValueError(
            f"film steps have the channels {found}, the model's streams {dict(widths)}"
        )
    fused = model.joint(as_features(model, steps))
    head = summary_head(model) or TrainingFreeSummaryHead()
    return Rating(
        head.rated(fused)[0].float().cpu().numpy(),  # of no subset of the modalities
        fused.steps[0].float().cpu().numpy(),
        type(head).__name__,
    )
