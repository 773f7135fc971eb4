"""Events of drawn films are found, from every subset of the modalities."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers_event_steps import KINDS, Films, edge_errors, mean_ap, predict, train

from mmstconv.models import TemporalEventHead

WIDTH = 56
OVERLAPS = np.arange(0.5, 0.96, 0.05)


@pytest.fixture(scope="module")
def learned():
    torch.manual_seed(0)
    return train(TemporalEventHead(8, WIDTH, score_subsets=True), Films(24, seed=1), 14)


def test_finds_events(learned):
    """A sixth of the proof's training: most events, and each subset its own."""
    films = Films(12, seed=2)
    samples = predict(learned, films)
    found = [one.pred_instances for one in samples]
    assert mean_ap(films.truth, found) > 0.9
    names = "none rgb flow audio rgb+flow rgb+audio flow+audio rgb+flow+audio".split()
    for one in samples:
        assert list(one.subset_instances) == names
        whole = one.subset_instances["rgb+flow+audio"]
        assert torch.equal(whole.segments, one.pred_instances.segments)
    none = [one.subset_instances["none"] for one in samples]
    assert mean_ap(films.truth, none) < 0.1


@pytest.mark.slow
def test_proof():
    """The bounds of the set: 1 together, 0.286 alone, 0 of what cannot be seen."""
    torch.manual_seed(0)
    films = Films(60, seed=2)
    head = TemporalEventHead(8, WIDTH, score_subsets=True)
    samples = predict(train(head, Films(48, seed=1), 40), films)
    subsets = {
        name: [one.subset_instances[name] for one in samples]
        for name in samples[0].subset_instances
    }
    together = subsets["rgb+flow+audio"]
    assert mean_ap(films.truth, together) >= 0.97
    assert mean_ap(films.truth, together, OVERLAPS) >= 0.85
    assert (np.median(edge_errors(films.truth, together), axis=0) <= 0.06).all()
    for name, part in dict(rgb=0, flow=0, audio=1).items():
        assert 0.25 <= mean_ap(films.truth, subsets[name]) <= 0.33, name
        hidden = [label for label, kind in enumerate(KINDS) if kind[part] == 2]
        assert mean_ap(films.truth, subsets[name], labels=hidden) <= 0.08, name
