"""Which operators, with a linear classifier behind them, learn the XOR of two signs.

Two modalities hold a and b in {-1, 1}; the class says whether they differ.

Sum, concatenation, convolution, late fusion and class weights cannot: what decides
between the classes is u(a) + v(b) for some functions u and v (with scores: a sum of
weighted probabilities, one term per modality). The four decisions
then obey d(1, 1) + d(-1, -1) = d(1, -1) + d(-1, 1), while XOR needs both terms on the
left below and both on the right above zero. So at most three of four cases are right,
whatever the weights; the identity is what the test checks, without training.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from helpers_culprits import for_each
from mmaction.registry import MODELS
from torch import nn

import mmstconv.models  # noqa: F401

WIDTHS = {"a": 1, "b": 1}
SIGNS = torch.tensor([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]])
LABELS = torch.tensor([0, 0, 1, 1])
ADDITIVE = {
    "SumFusion": dict(channels=8),
    "ConcatFusion": dict(),
    "ConvFusion": dict(channels=8),
    "LateFusion": dict(num_classes=2),
    "ClassWeightedFusion": dict(num_classes=2),
}
MULTIPLICATIVE = {
    "CompactBilinearFusion": dict(channels=16),
    "ContextGatingFusion": dict(),
    "CrossModalAttentionFusion": dict(channels=8, num_heads=2),
    "GatedMultimodalUnit": dict(channels=8),
    "LowRankTensorFusion": dict(channels=8, rank=2),
    "MaxFusion": dict(channels=8),  # max(a, b) + max(-a, -b) = |a - b|
}


def build(name, **kwargs):
    fusion = MODELS.build(dict(type=name, in_channels=WIDTHS, **kwargs))
    if fusion.gives_scores:
        return fusion, nn.Identity()
    return fusion, nn.Linear(fusion.out_channels, 2)


def scores(fusion, classifier):
    feats = {m: SIGNS[:, i, None, None] for i, m in enumerate(WIDTHS)}
    return classifier(fusion(feats))[:, 0]  # (4, 2)


@for_each("seed", range(3))
@for_each("name", sorted(MULTIPLICATIVE))
def test_can(name, seed):
    torch.manual_seed(seed)
    fusion, classifier = build(name, **MULTIPLICATIVE[name])
    parameters = [*fusion.parameters(), *classifier.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=0.02)
    for _ in range(300):
        loss = F.cross_entropy(scores(fusion, classifier), LABELS)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert torch.equal(scores(fusion, classifier).argmax(1), LABELS)
    assert loss < 0.1


@for_each("name", sorted(ADDITIVE))
def test_cannot(name):
    fusion, classifier = build(name, **ADDITIVE[name])
    parameters = [*fusion.parameters(), *classifier.parameters()]
    for _ in range(20):
        for parameter in parameters:
            nn.init.normal_(parameter)
        y = scores(fusion, classifier)
        if name == "ClassWeightedFusion":
            # Probabilities up to the factor by which a row was scaled to sum 1,
            # which has no say in which class is larger.
            y = unscaled(fusion)
        elif fusion.gives_scores:
            y = y.exp()
        decision = y[:, 1] - y[:, 0]
        torch.testing.assert_close(decision[:2].sum(), decision[2:].sum())
        predicted = scores(fusion, classifier).argmax(1)
        assert torch.equal(predicted, (decision > 0).long())
        assert (predicted == LABELS).sum() < 4


def unscaled(fusion):
    total = sum(fusion.class_logits[m].exp() for m in WIDTHS)
    return sum(
        fusion.class_logits[m].exp()
        / total
        * fusion.classifiers[m](SIGNS[:, i, None]).softmax(1)
        for i, m in enumerate(WIDTHS)
    )
