"""Events of drawn films are found, from every subset of the modalities."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers_event_steps import (
    KINDS,
    Films,
    edge_errors,
    fused_of,
    mean_ap,
    predict,
    train,
)

from mmstconv.models import TemporalEventHead

WIDTH = 56
OVERLAPS = np.arange(0.5, 0.96, 0.05)


def test_subsets_from_one_pass():
    """Each by its name, as if the others were absent; all together the prediction."""
    torch.manual_seed(0)
    head = TemporalEventHead(8, WIDTH, channels=8, score_subsets=True).eval()
    films = Films(2, seed=2)
    samples = predict(head, films)
    names = "none rgb flow audio rgb+flow rgb+audio flow+audio rgb+flow+audio".split()
    feats, alone = films.batch(range(2))
    absent = dict.fromkeys(("rgb", "flow"), torch.zeros(2, dtype=torch.bool))
    with torch.no_grad():
        head.predict(fused_of(feats, absent), alone)
    for one, other in zip(samples, alone):
        assert list(one.subset_instances) == names
        for name, wanted in (("rgb+flow+audio", one), ("audio", other)):
            found, wanted = one.subset_instances[name], wanted.pred_instances
            assert len(found) > 0
            assert torch.equal(found.segments, wanted.segments)
            assert torch.equal(found.scores, wanted.scores)
            assert torch.equal(found.labels, wanted.labels)


@pytest.mark.slow
@pytest.mark.parametrize("causal, edge", [(False, 0.06), (True, 0.09)])
def test_proof(causal, edge):
    """The bounds of the set: 1 together, 0.286 alone, 0 of what cannot be seen."""
    torch.manual_seed(0)
    films = Films(60, seed=2)
    head = TemporalEventHead(8, WIDTH, causal=causal, score_subsets=True)
    samples = predict(train(head, Films(48, seed=1), 40), films)
    subsets = {
        name: [one.subset_instances[name] for one in samples]
        for name in samples[0].subset_instances
    }
    together = subsets["rgb+flow+audio"]
    assert mean_ap(films.truth, together) >= 0.97
    assert mean_ap(films.truth, together, OVERLAPS) >= 0.85
    assert (np.median(edge_errors(films.truth, together), axis=0) <= edge).all()
    for name, part in dict(rgb=0, flow=0, audio=1).items():
        assert 0.25 <= mean_ap(films.truth, subsets[name]) <= 0.33, name
        hidden = [label for label, kind in enumerate(KINDS) if kind[part] == 2]
        assert mean_ap(films.truth, subsets[name], labels=hidden) <= 0.08, name
