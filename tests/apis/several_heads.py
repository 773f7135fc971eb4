"""A model with heads of four tasks, and models of each task with the same weights."""

from __future__ import annotations

import torch
from apis.test_long_video import make_model
from mmaction.registry import MODELS

NAMES = ["jump", "turn", "fall"]
WORDS = "a red square moves up before tone sounds after disc".split()
HEADS = dict(
    classes=dict(type="TriModalFusionHead", num_classes=4, average_clips="prob"),
    events=dict(type="TemporalEventHead", num_classes=3, channels=6, levels=2),
    summary=dict(type="SummaryHead", channels=8, num_heads=2),
    captions=dict(
        type="LSTMCaptionHead", words=WORDS, vocabulary_size=20, channels=8, beam=2,
        max_length=6,
    ),
)  # fmt: skip
PREFIX = "cls_head.heads."
# Events that last a while.
BIASES = {"class": 0.0, "distance": [4.0, 0.0]}


def build(head, trunk=None, classes=None):
    trunk = trunk or make_model(padded=True)
    joint = dict(steps=12, fusion=dict(type="ConcatFusion"))
    cfg = dict(trunk.cfg.model, cls_head=head, joint=joint, cached_steps=True)
    model = MODELS.build(cfg).eval()
    model.cfg = trunk.cfg
    model.dataset_meta = classes or {}
    return model


def make_models(**heads):
    """The model with several heads (all four, unless said), and ``{task: model}``."""
    heads = heads or HEADS
    trunk = make_model(padded=True)
    tasks = {name: dict(classes=NAMES) for name in heads}
    together = build(dict(type="MultiTaskHead", heads=heads), trunk, dict(tasks=tasks))
    torch.manual_seed(7)
    for name, parameter in together.cls_head.named_parameters():
        if parameter.dim() > 1:
            std = 1.5 if name.startswith("heads.captions") else 0.4
            torch.nn.init.normal_(parameter, std=std)
        for part, bias in BIASES.items():
            if name.endswith(f"{part}_tower.out.conv.bias"):
                parameter.data = torch.tensor(bias).expand(parameter.shape).clone()
    weights, alone = together.state_dict(), {}
    for name, cfg in heads.items():
        alone[name] = build(cfg, trunk, dict(classes=NAMES))
        own = f"{PREFIX}{name}."
        mine = {k: v for k, v in weights.items() if not k.startswith(PREFIX)}
        mine |= {
            f"cls_head.{k.removeprefix(own)}": v
            for k, v in weights.items()
            if k.startswith(own)
        }
        alone[name].load_state_dict(mine, strict=False)
    return together, alone
