"""A joint and a classification head, as the recognizer puts them together."""

from __future__ import annotations

from mmaction.registry import MODELS
from mmengine.model import BaseModule

import mmstconv  # noqa: F401  (before mmaction: repairs it)
from mmstconv.models import Features, TriModalFusionHead

OF_JOINT = ("fusion", "temporal", "steps")


class Task(BaseModule):
    """Features of streams to classes.

    Args:
        in_channels: ``{modality: channels}``.
        cfg: Arguments of the head, and those of the joint.
    """

    def __init__(self, in_channels, **cfg):
        super().__init__()
        joint = {name: cfg.pop(name) for name in OF_JOINT if name in cfg}
        cfg.pop("type", None)
        needs = TriModalFusionHead.needs(cfg, in_channels)
        self.joint = MODELS.build(
            dict(joint, type="Joint", in_channels=in_channels, **needs)
        )
        self.head = TriModalFusionHead(
            in_channels=self.joint.out_channels,
            stream_channels=in_channels,
            gives_scores=self.joint.fusion.gives_scores,
            **cfg,
        )

    def fused(self, feats, presence=None, **known):
        return self.joint(Features(feats, presence or {}, **known))

    def forward(self, feats, presence=None):
        return self.head(self.fused(feats, presence))

    def loss(self, feats, samples, presence=None):
        return self.head.loss(self.fused(feats, presence), samples)

    def predict(self, feats, samples, presence=None):
        return self.head.predict(self.fused(feats, presence), samples)
