"""The fusion operator of a joint, told what the head's loss takes."""

from __future__ import annotations

from collections.abc import Mapping

from mmaction.registry import MODELS
from torch import nn


def build_operator(
    cfg: Mapping, in_channels: Mapping[str, int], scores: Mapping | None = None
) -> nn.Module:
    """Build an operator; one of scores learns the classes and what its scores are for.

    Args:
        cfg: Its config, without what the head knows.
        in_channels: Channels of each stream.
        scores: What an operator of scores has to know of the head: ``num_classes``,
            and ``sigmoids``: whether the loss takes a sigmoid of each score.

    Raises:
        ValueError: There is no such operator, its scores are not for this loss, or the
            head takes none.
    """
    cfg = dict(cfg, in_channels=in_channels)
    operator = MODELS.get(cfg["type"])
    if operator is None:
        raise ValueError(f"joint.fusion: no operator {cfg['type']!r} in MODELS")
    if operator.gives_scores:
        if scores is None:
            raise ValueError(
                f"joint.fusion: {cfg['type']} gives scores of classes, for a "
                "classification head; take an operator of features"
            )
        sigmoids = scores.get("sigmoids", False)
        cfg.setdefault("num_classes", scores["num_classes"])
        if sigmoids:
            cfg.setdefault("multi_class", True)
        if cfg.get("multi_class", False) != sigmoids:
            takes = "a sigmoid of each" if sigmoids else "a softmax of all"
            raise ValueError(
                f"joint.fusion: multi_class={cfg['multi_class']} of {cfg['type']} does "
                f"not go with the head's loss_cls, which takes {takes} score: leave "
                "it out, the head sets it"
            )
    return MODELS.build(cfg)
