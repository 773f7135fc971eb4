"""Sequences of different lengths in one batch."""

from __future__ import annotations

import pytest
import torch
from mmaction.registry import MODELS
from torch import nn

from mmstconv.models import Features, Joint
from mmstconv.models.layers import align_steps

WIDTHS = dict(rgb=4, audio=3)
LENGTHS = torch.tensor([6, 2, 4])
REDUCTIONS = ("LastState", "MeanOverTime", "AttentionOverTime")
OPERATORS = {
    "ConcatFusion": {},
    "ConvFusion": dict(channels=5, kernel_size=3),  # mixes neighbouring steps
    "GatedMultimodalUnit": dict(channels=5),
}


def build(operator="ConcatFusion", **kwargs):
    fusion = dict(type=operator, **OPERATORS[operator])
    joint = Joint(WIDTHS, fusion=fusion, **kwargs).double()
    for parameter in joint.parameters():
        nn.init.normal_(parameter)
    return joint


def sequences(padding=0.0, lengths=LENGTHS, steps=6):
    """The same real steps whatever stands behind them."""
    generator = torch.Generator().manual_seed(0)
    feats = {}
    for name, width in WIDTHS.items():
        x = torch.randn(3, steps, width, generator=generator, dtype=torch.float64)
        behind = torch.arange(steps)[None, :] >= lengths[:, None]
        feats[name] = x.masked_fill(behind[..., None], padding)
    return feats


def fuse(joint, feats, rows=slice(None), lengths=LENGTHS):
    lengths = dict.fromkeys(WIDTHS, lengths[rows])
    feats = {name: x[rows] for name, x in feats.items()}
    return joint(Features(feats, {}, lengths=lengths))


def test_padding_changes_nothing():
    """A sequence in a padded batch gives what it gives alone, whatever pads it."""
    wrong = []
    for operator in OPERATORS:
        for temporal in REDUCTIONS:
            for steps in (None, 3):
                joint = build(operator, temporal=dict(type=temporal), steps=steps)
                for padding in (0.0, 9.0, torch.nan):
                    found = fuse(joint, sequences(padding))
                    for row, length in enumerate(LENGTHS.tolist()):
                        alone = {
                            name: x[row : row + 1, :length]
                            for name, x in sequences().items()
                        }
                        own = dict.fromkeys(WIDTHS, LENGTHS[row : row + 1])
                        alone = joint(Features(alone, {}, lengths=own))
                        real = slice(None) if steps else slice(length)
                        same = torch.allclose(
                            found.steps[row, real], alone.steps[0], atol=1e-6
                        ) and torch.allclose(
                            found.vector[row], alone.vector[0], atol=1e-6
                        )
                        if not same:
                            wrong.append((operator, temporal, steps, padding, row))
    assert not wrong


def test_which_steps_are_real():
    fused = fuse(build(), sequences())
    assert torch.equal(fused.valid, LENGTHS)
    assert torch.equal(fused.as_steps().valid, LENGTHS)
    rows, without = fused.without("audio")
    assert rows.tolist() == [0, 1, 2] and torch.equal(without.valid, LENGTHS)
    assert torch.equal(fused.only("rgb").valid, LENGTHS)
    assert fuse(build(steps=3), sequences()).valid is None  # all of them
    assert build()(Features(sequences(), {})).valid is None


def test_streams_of_different_lengths():
    """Each is averaged onto the steps that the config names."""
    feats = sequences()
    lengths = dict(rgb=LENGTHS, audio=torch.tensor([3, 6, 1]))
    joint = build(steps=2)
    aligned = joint(Features(feats, {}, lengths=lengths)).aligned
    for name, x in feats.items():
        for row, length in enumerate(lengths[name].tolist()):
            part = x[row, :length].repeat_interleave(2, 0)  # halves of steps
            wanted = torch.stack([half.mean(0) for half in part.chunk(2)])
            torch.testing.assert_close(aligned[name][row], wanted)
    only = joint(Features(feats, {}, lengths=dict(rgb=LENGTHS))).aligned
    assert torch.equal(only["audio"], align_steps(feats["audio"], 2))
    for wrong in (lengths, dict(rgb=LENGTHS)):
        with pytest.raises(ValueError, match=r"'rgb' and 'audio' .* joint steps="):
            _ = build()(Features(feats, {}, lengths=wrong)).steps


def test_a_stream_that_did_not_run():
    """It gives a single step of zeros; the others are as without it."""
    for first in WIDTHS:
        for steps in (None, 3):
            for temporal in REDUCTIONS:
                joint = build(steps=steps, temporal=dict(type=temporal))
                feats = sequences()
                feats[first] = torch.zeros(3, 1, WIDTHS[first], dtype=torch.float64)
                lengths = dict.fromkeys(WIDTHS, LENGTHS)
                absent = {first: torch.zeros(3, dtype=torch.bool)}
                fused = joint(Features(feats, absent, lengths=lengths))
                wanted = fuse(joint, sequences()).only(*({*WIDTHS} - {first}))
                assert torch.equal(fused.steps, wanted.steps), (first, steps)
                assert torch.equal(fused.vector, wanted.vector), (first, steps)
                assert steps or torch.equal(fused.valid, LENGTHS), first


def test_a_length_that_is_none():
    for lengths in ([6, 2, 0], [6, 2, 7], [6, 2]):
        given = dict.fromkeys(WIDTHS, torch.tensor(lengths))
        for kwargs in ({}, dict(steps=3)):
            with pytest.raises(ValueError, match="lengths: expected"):
                _ = build(**kwargs)(Features(sequences(), {}, lengths=given)).steps


def test_necks_give_what_the_joint_takes():
    """A neck told of the lengths, then the joint: as each sequence alone."""
    neck = MODELS.build(
        dict(type="LSTMTemporalNeck", in_channels=5, hidden_channels=4)
    ).double()
    joint = Joint(
        dict(rgb=4), fusion=dict(type="ConcatFusion"), temporal=dict(type="LastState")
    )
    x = torch.randn(3, 5, 6, dtype=torch.float64)
    padded = neck(x, lengths=LENGTHS)[0][..., 0, 0].transpose(1, 2)
    found = joint(Features(dict(rgb=padded), {}, lengths=dict(rgb=LENGTHS))).vector
    for row, length in enumerate(LENGTHS.tolist()):
        alone = neck(x[row : row + 1, :, :length])[0][0, :, -1, 0, 0]
        torch.testing.assert_close(found[row], alone)
