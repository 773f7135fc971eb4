"""Spans of time as clips of their own, against cutting by hand."""

from __future__ import annotations

import pytest
import torch
from helpers_culprits import for_each
from torch import nn

from mmstconv.models import Features, Joint

WIDTHS = dict(rgb=4, audio=3)
OPERATORS = ("ConcatFusion", "GatedMultimodalUnit")
REAL = (
    12,
    7,
)  # steps of the two films, which begin at 2 s and 10 s; half a second each
STARTS = (2.0, 10.0)
STEP = 0.5
# (row, begin, end) in seconds, and the steps that these hold
SPANS = [
    ((0, 2.0, 8.0), (0, 12)),  # the whole film
    ((1, 10.0, 99.0), (0, 7)),  # beyond its end: padding is not in it
    ((0, 3.1, 4.4), (2, 5)),  # middles at 3.25, 3.75, 4.25
    ((0, 3.25, 4.25), (2, 4)),  # the begin counts, the end does not
    ((1, 11.3, 11.4), (2, 3)),  # no middle in it: the nearest, at 11.25
    ((1, 50.0, 60.0), (6, 7)),  # behind the film: its last real step
    ((0, 0.0, 1.0), (0, 1)),  # before it: the first
]


def build(operator="GatedMultimodalUnit"):
    joint = Joint(WIDTHS, fusion=dict(type=operator), over_time="steps").double()
    for parameter in joint.parameters():
        nn.init.normal_(parameter)
    return joint


def films(padding=9.0):
    feats = {name: torch.randn(2, 12, width).double() for name, width in WIDTHS.items()}
    for x in feats.values():
        x[1, REAL[1] :] = padding
    starts = torch.tensor(STARTS, dtype=torch.float64)
    return Features(
        feats,
        dict(audio=torch.tensor([True, False])),
        dict.fromkeys(WIDTHS, torch.tensor(REAL)),
        torch.stack([starts, starts + 12 * STEP], 1),
        common=True,
    )


def cut(fused, spans=SPANS):
    rows, begins, ends = zip(*(span for span, _ in spans))
    return fused.between(torch.tensor([begins, ends]).T, torch.tensor(rows))


@for_each("operator", OPERATORS)
def test_steps_are_those_cut_by_hand(operator):
    joint, features = build(operator), films()
    fused = joint(features)
    parts = cut(fused)
    assert parts.steps.shape[:2] == (len(SPANS), 12)
    for k, ((row, *_), (first, last)) in enumerate(SPANS):
        count = last - first
        assert parts.valid[k] == count
        wanted = fused.steps[row, first:last]
        torch.testing.assert_close(parts.steps[k, :count], wanted)
        # as if the streams had run on it alone
        own = {name: x[row : row + 1, first:last] for name, x in features.feats.items()}
        here = dict(audio=features.presence["audio"][row : row + 1])
        alone = joint(Features(own, here, common=True))
        torch.testing.assert_close(parts.steps[k : k + 1, :count], alone.steps)
        begin = STARTS[row] + STEP * first
        edges = begin + STEP * torch.arange(count + 1, dtype=torch.float64)
        seconds = torch.stack([edges[:-1], edges[1:]], 1)
        torch.testing.assert_close(parts.seconds[k, :count], seconds)


def test_nothing_is_fused_but_what_the_spans_hold():
    joint = build()
    fused_steps = []
    joint.fusion.register_forward_hook(
        lambda _, __, out: fused_steps.append(tuple(out.shape[:2]))
    )
    parts = cut(joint(films()), SPANS[2:4])
    assert parts.seconds is not None and not fused_steps
    assert fused_steps == [parts.steps.shape[:2]] == [(2, 3)]


def test_presence_subsets_and_modalities_taken_away():
    fused = build()(films())
    parts = cut(fused)
    rows = torch.tensor([row for (row, *_), _ in SPANS])
    assert torch.equal(parts.presence["audio"], rows == 0)
    for (name, one), (_, whole) in zip(parts.subsets(), fused.subsets()):
        torch.testing.assert_close(one.steps, cut(whole).steps, msg=name)
    kept, without = parts.without("audio")
    assert torch.equal(kept, (rows == 0).nonzero()[:, 0])
    torch.testing.assert_close(without.steps, parts.only("rgb").steps[kept])
    again = parts.between(torch.tensor([[3.0, 4.0]]), torch.tensor([0]))
    torch.testing.assert_close(again.steps[0], fused.steps[0, 2:4])


def test_gradients_reach_the_steps_of_the_spans_alone():
    features = films()
    for x in features.feats.values():
        x.requires_grad_()
    joint = build()
    spans = [SPANS[2], SPANS[4]]
    parts = cut(joint(features), spans)
    real = torch.arange(parts.steps.shape[1]) < parts.valid[:, None]
    parts.steps[real].sum().backward()
    for name, x in features.feats.items():
        touched = x.grad.abs().sum(2) > 0
        wanted = torch.zeros_like(touched)
        for (row, *_), (first, last) in spans:
            wanted[row, first:last] = name == "rgb" or row == 0  # film 1 has no sound
        assert torch.equal(touched, wanted), name
    assert all(parameter.grad is not None for parameter in joint.parameters())


def test_clips_that_are_not_cached():
    """Streams of different rates: the steps are those of the joint."""
    joint = Joint(WIDTHS, fusion=dict(type="ConcatFusion"), steps=4, over_time="steps")
    feats = dict(rgb=torch.randn(1, 8, 4), audio=torch.randn(1, 20, 3))
    fused = joint(Features(feats, {}, window=torch.tensor([[0.0, 2.0]])))
    part = fused.between(torch.tensor([[0.5, 1.5]]), torch.tensor([0]))
    torch.testing.assert_close(part.steps, fused.steps[:, 1:3])
    none = fused.between(torch.zeros(0, 2), torch.zeros(0, dtype=torch.long))
    assert none.steps.shape[0] == 0


def test_what_cannot_be_cut():
    fused = build()(films())
    one = torch.tensor([0])
    wrong = [
        (torch.tensor([[0.0, 1.0]]), torch.tensor([2]), r"rows must be in 0\.\.1"),
        (torch.tensor([[0.0, 1.0]]), torch.tensor([0, 1]), "a row for each"),
        (torch.tensor([0.0, 1.0]), one, "a row for each"),
        (torch.tensor([[2.0, 1.0]]), one, "ends before it begins"),
    ]
    for spans, rows, message in wrong:
        with pytest.raises(ValueError, match=message):
            fused.between(spans, rows)
    timeless = build()(films()._replace(window=None))
    with pytest.raises(ValueError, match="clip_starts and clip_duration"):
        cut(timeless)
    trunk = dict(type="STConvNet", stages=[dict(channels=4)])
    maps = Joint(dict(rgb=3, audio=6), fusion=dict(type="Conv3dFusion", trunk=trunk),
                 over_time="steps")  # fmt: skip
    feats = dict(rgb=torch.randn(1, 3, 4, 8, 8), audio=torch.randn(1, 6, 8))
    with pytest.raises(ValueError, match="Conv3dFusion fuses maps"):
        cut(maps(Features(feats, {}, window=torch.tensor([[0.0, 2.0]]))), SPANS[:1])
