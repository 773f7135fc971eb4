"""What a config of a part of a model is of."""

from __future__ import annotations

from collections.abc import Mapping

from mmaction.registry import MODELS


def class_of(cfg: Mapping | None) -> type | None:
    """The class that a config names; None if there is none."""
    kind = (cfg or {}).get("type")
    return MODELS.get(kind) if kind and isinstance(kind, str) else kind
