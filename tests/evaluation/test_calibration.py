"""Calibration against closed forms and a naive statement of the paper's equations."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from mmaction.registry import METRICS

from mmstconv.evaluation.calibration import (
    at_temperature,
    calibration_error,
    error_by_chance,
    fit_temperature,
    negative_log_likelihood,
    reliability,
    to_probabilities,
)


def ece(confidence, right, **kwargs):
    return calibration_error(reliability(confidence, right, **kwargs))


def naive_ece(confidence, right, bins=15):
    """Eq. 3: bins ((m - 1) / M, m / M], one sample after the other."""
    total = 0.0
    for m in range(1, bins + 1):
        own = [
            (c, r) for c, r in zip(confidence, right) if (m - 1) / bins < c <= m / bins
        ]
        if own:
            accuracy = sum(r for _, r in own) / len(own)
            said = sum(c for c, _ in own) / len(own)
            total += len(own) / len(confidence) * abs(accuracy - said)
    return total


def naive_nll(logits, labels, temperature):
    total = 0.0
    for row, label in zip(logits, labels):
        scaled = [value / temperature for value in row]
        total += math.log(sum(math.exp(value) for value in scaled)) - scaled[label]
    return total / len(labels)


def exact_samples():
    """Labels exactly as frequent as the probabilities say: ``(N, C)`` and ``(N,)``."""
    rows, labels = [], []
    for parts in ((10, 6, 4), (1, 18, 1), (7, 6, 7), (2, 5, 13), (16, 3, 1)):
        for label, count in enumerate(parts):
            rows += [np.array(parts) / 20] * count
            labels += [label] * count
    return np.array(rows), np.array(labels)


def test_ece_against_the_naive_statement():
    rng = np.random.default_rng(0)
    confidence, right = rng.uniform(0.1, 1, 500), rng.random(500) < 0.6
    confidence[:15] = np.arange(1, 16) / 15  # on each edge; the last is exactly 1
    for bins in (1, 10, 15):
        expected = naive_ece(confidence, right, bins)
        assert ece(confidence, right, bins=bins) == pytest.approx(expected, abs=1e-12)


def test_an_edge_belongs_to_the_bin_below():
    edges = np.arange(1, 16) / 15
    table = reliability(edges, np.ones(15, bool))
    assert [one["samples"] for one in table] == [1] * 15
    assert [one["high"] for one in table] == edges.tolist()
    (one,) = reliability([0.0], [False])  # below the first
    assert (one["low"], one["samples"]) == (0.0, 1)


def test_what_is_exactly_calibrated_has_no_error():
    p, labels = exact_samples()
    right = np.zeros(len(labels), bool)
    for start in range(0, len(labels), 20):  # each distribution for itself
        own = slice(start, start + 20)
        right[own] = p[own].argmax(1) == labels[own]
    assert ece(p.max(1), right) == pytest.approx(0, abs=1e-12)


def test_what_is_calibrated_stays_within_the_bound_of_sampling():
    """E|mean gap of a bin| <= sqrt(variance / count), summed over bins."""
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.3, 1, 40_000)
    right = rng.random(40_000) < confidence
    table = reliability(confidence, right)
    bound = sum(one["samples"] ** 0.5 / 2 for one in table) / len(right)
    assert 0 < calibration_error(table) < bound < 0.011


def test_the_error_of_chance_is_that_of_labels_drawn_from_the_probabilities():
    rng = np.random.default_rng(4)
    confidence = np.append(rng.uniform(0.3, 1, 150), np.nan)
    drawn = [ece(confidence, rng.random(151) < confidence) for _ in range(300)]
    assert error_by_chance(confidence) == pytest.approx(np.mean(drawn), rel=0.05)
    assert error_by_chance(confidence) > 5 * error_by_chance(np.repeat(confidence, 50))
    # of one bin, all of one confidence: the mean absolute deviation of a binomial
    n, p = 20, 0.7
    shares = [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
    expected = sum(share * abs(k / n - p) for k, share in enumerate(shares))
    found = error_by_chance([p] * n, draws=20_000)
    assert found == pytest.approx(expected, rel=0.02)
    assert error_by_chance([1.0] * 5) == 0 and math.isnan(error_by_chance([np.nan]))


def test_constant_predictors():
    assert ece([0.25] * 8, [True] * 2 + [False] * 6) == pytest.approx(0)
    assert ece([0.25] * 8, [True] * 6 + [False] * 2) == pytest.approx(0.5)
    assert ece([1.0] * 4, [True, True, True, False]) == pytest.approx(0.25)
    assert ece([1.0] * 4, [True] * 4) == 0  # a single class


def test_samples_without_confidence_do_not_count():
    table = reliability([0.9, np.nan, 0.9], [True, False, False])
    assert sum(one["samples"] for one in table) == 2
    assert calibration_error(table) == pytest.approx(0.4)
    assert reliability([np.nan], [True]) == []
    assert math.isnan(calibration_error([]))


def test_a_sharpened_predictor_gets_its_factor_back():
    p, labels = exact_samples()
    for factor in (0.4, 1.0, 2.5, 6.0):
        sharp = to_probabilities(np.log(p) * factor).astype(np.float32)
        fit = fit_temperature(sharp, labels)
        assert fit.temperature == pytest.approx(factor, abs=1e-4)
        back = at_temperature(sharp, fit.temperature)
        assert np.abs(back - p).max() < 1e-5
        assert np.abs(at_temperature(back, 1 / fit.temperature) - sharp).max() < 1e-5


def test_the_fit_of_random_samples_is_the_least_naive_nll():
    rng = np.random.default_rng(2)
    logits, labels = rng.normal(0, 3, (200, 5)), rng.integers(0, 5, 200)
    labels[:140] = logits[:140].argmax(1)
    found = fit_temperature(to_probabilities(logits), labels).temperature
    least = naive_nll(logits, labels, found)
    assert all(
        least < naive_nll(logits, labels, found * step)
        for step in (0.5, 0.9, 0.999, 1.001, 1.1, 2)
    )
    scaled = at_temperature(to_probabilities(logits), found)
    assert negative_log_likelihood(scaled, labels) == pytest.approx(least)
    assert (scaled.argmax(1) == logits.argmax(1)).all()


def test_the_standard_error_is_the_spread_over_draws():
    rng = np.random.default_rng(3)
    found, said = [], []
    for _ in range(150):
        logits = rng.normal(0, 2, (200, 4))
        p = to_probabilities(logits)
        labels = (p.cumsum(1) < rng.random((200, 1))).sum(1).clip(max=3)
        fit = fit_temperature(to_probabilities(2 * logits), labels)
        found.append(fit.temperature)
        said.append(fit.error)
    assert np.mean(found) == pytest.approx(2, abs=0.1)
    assert np.mean(said) == pytest.approx(np.std(found), rel=0.25)


def test_samples_that_no_temperature_fits():
    sure = np.array([[0.9, 0.1], [0.1, 0.9]])
    cases = {
        "all are predicted right": (sure, [0, 1]),
        "no better than by a guess": (sure, [1, 0]),
        "none of which prefers a class": (np.full((3, 4), 0.25), [0, 1, 2]),
        "2 samples, none of which": (np.ones((2, 1)), [0, 0]),  # a single class
        "0 samples": (np.empty((0, 3)), []),
        "or nearly": (np.array([[1.0, 0.0]] * 2), [0, 0]),
    }
    for message, (p, labels) in cases.items():
        with pytest.raises(ValueError, match=message):
            fit_temperature(p, np.array(labels, int))


def sample(p, label, **more):
    scores = torch.tensor(p, dtype=torch.float32)
    return dict(gt_label=torch.tensor([label]), pred_score=scores, **more)


def fitted(samples):
    metric = METRICS.build(dict(type="CalibrationMetric"))
    metric.process(None, samples)
    measures = metric.evaluate(len(samples))
    return metric.found, measures


def test_the_metric_leaves_out_what_could_not_be_read():
    p, labels = exact_samples()
    sharp = to_probabilities(2 * np.log(p))
    samples = [sample(*one) for one in zip(sharp, labels.tolist())]
    bad = [sample([0.98, 0.01, 0.01], 2, failure="no video in it")] * 30
    found, measures = fitted([*samples, *bad])
    assert found["samples"] == len(labels)
    assert found["temperature"] == pytest.approx(2, abs=1e-4)
    assert found["before"]["ece"] > 0.1 > 1e-5 > found["after"]["ece"]
    assert measures["calibration/ece_before"] == found["before"]["ece"]
    logits = [dict(one, pred_score=one["pred_score"].log() + 3) for one in samples]
    assert fitted(logits)[0]["temperature"] == pytest.approx(2, abs=1e-4)
    with pytest.raises(ValueError, match="no file could be read"):
        fitted(bad)


def test_the_metric_wants_one_class_a_file():
    wrong = [
        sample([0.5, 0.5], 0, multi_class=True, filename="some.mp4"),
        dict(sample([0.5, 0.5], 0), gt_label=torch.tensor([0, 1]), filename="some.mp4"),
        sample([0.5, 0.5], -1, filename="some.mp4"),
    ]
    for one in wrong:
        with pytest.raises(ValueError, match=r"some\.mp4: .* files of exactly one cl"):
            fitted([one])
