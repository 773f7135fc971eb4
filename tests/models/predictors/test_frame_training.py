"""Variants of the frame predictor learn: roll-out, and ConvLSTM with sound."""

from __future__ import annotations

import numpy as np
import torch
from helpers_frames import FUTURE, SEEN, SIDE, inputs, network
from mmaction.structures import ActionDataSample

from mmstconv.models.predictors import FramePredictor

FILMS = 8


def films(future, *, heard=False):
    """A square that goes a pixel a frame; ``heard``: one that turns down or stays as
    the sound says, which nothing else tells."""
    size = SEEN + future
    frames = torch.zeros(FILMS, 3, size, SIDE, SIDE)
    sound = torch.zeros(FILMS, 8, 10)
    for row in range(FILMS):
        top, left = torch.randint(0, 4, (2,)).tolist()
        down = row % 2
        for k in range(size):
            x = min(left + k, SIDE - 6)
            y = top
            if heard:
                x, y = left, top + down * max(k - SEEN + 1, 0) * 2
            frames[row, :, k, y : y + 6, x : x + 6] = 1
        sound[row, : 4 if down else 8] = 1.0 if down else -1.0
    x = dict(inputs(FILMS), rgb=frames[:, :, :SEEN], audio=sound)
    x["flow"] = torch.zeros_like(x["flow"])
    samples = []
    for row in range(FILMS):
        sample = ActionDataSample()
        truth = (255 * frames[row, :, SEEN:]).to(torch.uint8)
        samples.append(sample.set_field(truth, "gt_frames") or sample)
    return {name: value[:, None] for name, value in x.items()}, samples


def train(model, steps, make, rate=5e-3):
    """The loss of each step."""
    optimizer = torch.optim.AdamW(model.parameters(), rate)
    found = []
    for _ in range(steps):
        x, samples = make()
        (loss,) = model(x, samples, mode="loss").values()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found


def test_roll_out_is_learnt_from_the_truth_and_then_from_itself():
    torch.manual_seed(0)
    model = FramePredictor(network(), own_predictions=(5, 15))
    found = train(model, 25, lambda: films(2 * FUTURE))
    assert int(model.own_predictions.steps) == 25
    assert np.mean(found[-5:]) < 0.5 * np.mean(found[:3])
    x, samples = films(2 * FUTURE)
    rolled = model.eval()(x, samples, mode="predict", future=5 * FUTURE)
    assert rolled[0].pred_frames.shape == (3, 5 * FUTURE, SIDE, SIDE)


def test_conv_lstm_learns_what_the_sound_says():
    """With sound it forecasts one of two futures; silent it cannot."""
    torch.manual_seed(0)
    translator = dict(type="ConvLSTMTranslator", hidden=(16,))
    model = FramePredictor(network(translator))
    found = train(model, 40, lambda: films(FUTURE, heard=True), 1e-2)
    assert np.mean(found[-5:]) < 0.4 * np.mean(found[:3])
    x, samples = films(FUTURE, heard=True)
    truth = torch.stack([one.gt_frames for one in samples]) / 255
    here = {name: torch.ones(FILMS, dtype=torch.bool) for name in x}
    silent = {**here, "audio": torch.zeros(FILMS, dtype=torch.bool)}
    model.eval()
    with torch.no_grad():
        errors = [
            (model(x, presence=one) - truth).square().mean().item()
            for one in (here, silent)
        ]
    assert errors[0] < 0.6 * errors[1]
