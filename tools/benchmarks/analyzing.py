"""Row 20: all that four heads say of a film, beside the scores of its windows.

    python tools/benchmarks/analyzing.py

Ours: mmstconv.apis.analyze with heads for classes, events, summaries and captions; each
event has a sentence. Peer: our score_video, with the head for classes alone, the same
streams and the same hop. One core; all of the file is decoded.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator

import torch
from bench_clips import Clip, looped
from measuring import Result, alternate, one_core, result, script
from recomputed import build_model, with_head

from mmstconv.apis import analyze, score_video
from mmstconv.apis.film_steps import step_layout

CLIP = Clip("web_256.mp4", 340, 256)
SECONDS = 60
ROUNDS = 5
HOP = 16  # frames, half a window
GOAL = 1.3
WORDS = [f"word{k}" for k in range(500)]
HEADS = dict(
    events=dict(type="TemporalEventHead", num_classes=20),
    summary=dict(type="SummaryHead", levels=4),
    captions=dict(
        type="LSTMCaptionHead", words=WORDS, vocabulary_size=512, max_length=12
    ),
)
#: So many events that an untrained head finds some in each second.
BIASES = dict(class_tower=-1.0, distance_tower=2.0)


def build_pair(*size: int):
    """The default network for long videos, and the same with further heads."""
    scores = build_model(*size)
    heads = dict(classes=scores.cfg.model.cls_head.to_dict(), **HEADS)
    several = with_head(scores, dict(type="MultiTaskHead", heads=heads))
    for name, bias in BIASES.items():
        tower = getattr(several.cls_head.heads["events"], name)
        torch.nn.init.constant_(tower.out.conv.bias, bias)
    return several, scores


def compare() -> Result:
    """The same video, in turn."""
    several, scores = build_pair()
    path = looped(CLIP, SECONDS)
    layout = step_layout(several)
    found = analyze(several, path, hop=HOP, layout=layout)
    sides = dict(
        ours=lambda: analyze(several, path, hop=HOP, layout=layout),
        peer=lambda: deque(score_video(scores, path, hop=HOP), 0),
    )
    pair = alternate(sides, ROUNDS, clock=time.process_time).values()
    name = f"all tasks of {SECONDS} s by the scores of its windows"
    note = (
        f"processor time; {len(found.events)} events, {len(found.captions)} sentences "
        f"of {sum(len(s.text.split()) for s in found.captions)} words"
    )
    return result("20", name, *pair, GOAL, note=note)


def measure() -> Iterator[Result]:
    one_core()
    yield compare()


if __name__ == "__main__":
    script(measure)
