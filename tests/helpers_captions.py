"""A joint with a caption head on a tiny language model, on random steps."""

from __future__ import annotations

from pathlib import Path

import torch

from mmstconv.models import Features, Joint, PrefixCaptionHead

WIDTHS = dict(rgb=6, audio=3)
SOUNDLESS = dict(audio=torch.tensor([True, False, True]))
PROMPT = dict(
    prompt="describe : {video} {absent} :", absent=dict(audio="there is no sound .")
)
SENTENCES = ["a warm disc moves up", "a square", "a tone sounds ."]


def build_head(folder: Path, **kwargs) -> PrefixCaptionHead:
    torch.manual_seed(0)
    kwargs = {"num_prefix": 4, "generation": dict(max_new_tokens=6), **kwargs}
    head = PrefixCaptionHead(sum(WIDTHS.values()), WIDTHS, str(folder), **kwargs)
    with torch.no_grad():  # clips that differ
        head.prefix.norm.weight.fill_(1.0)
    return head.eval()


def fused_of(clips=3, steps=5, presence=None, lengths=None, seed=0):
    generator = torch.Generator().manual_seed(seed)
    feats = {
        name: torch.randn(clips, steps, width, generator=generator)
        for name, width in WIDTHS.items()
    }
    if lengths is not None:
        lengths = dict.fromkeys(WIDTHS, torch.tensor(lengths))
    joint = Joint(WIDTHS, fusion=dict(type="ConcatFusion"), over_time="steps")
    return joint(Features(feats, presence or {}, lengths))
