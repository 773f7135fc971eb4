"""Scores of sentences against COCO's own evaluation, formulas and brute force."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from mmstconv.evaluation.captions import (
    FilmCaptions,
    InverseFrequencies,
    best_in_order,
    bleu,
    both_ciders,
    cider,
    cider_d,
    dense_scores,
    exact_match,
    java_scores,
    meteor,
    precision_recall,
    rouge_l,
    slot_accuracy,
    slot_words,
    soda_c,
    spice,
    tokenize,
    why_absent,
)
from mmstconv.evaluation.captions.rouge import longest_common

ANSWERS = json.loads(
    Path(__file__).with_name("reference_answers").joinpath("captions.json").read_text()
)
SAID = [tokenize(one["candidate"]) for one in ANSWERS["captions"]]
KNOWN = [[tokenize(text) for text in one["references"]] for one in ANSWERS["captions"]]
SCORES = ANSWERS["scores"]


def drawn(rng, samples, words=9):
    """Sentences of few words, so that n-grams meet."""

    def sentence():
        return [f"w{k}" for k in rng.integers(0, words, rng.integers(1, 12))]

    known = [[sentence() for _ in range(rng.integers(1, 5))] for _ in range(samples)]
    said = [sentence() if rng.random() < 0.5 else list(one[0][:-1]) for one in known]
    return said, known


def test_tokens_are_those_of_the_reference():
    wrong = {
        text: (tokenize(text), expected)
        for text, expected in ANSWERS["tokens"].items()
        if tokenize(text) != expected.split(" ") and expected
    }
    assert not wrong
    assert len(ANSWERS["tokens"]) > 100
    assert tokenize(" ...\n ?") == []
    assert tokenize("one\ntwo") == ["one", "two"]


def test_scores_are_those_of_pycocoevalcap():
    assert bleu(SAID, KNOWN) == pytest.approx(SCORES["bleu"], abs=1e-6)
    np.testing.assert_allclose(rouge_l(SAID, KNOWN), SCORES["rouge"], atol=1e-6)
    np.testing.assert_allclose(cider_d(SAID, KNOWN), SCORES["cider"], atol=1e-6)


def test_drawn_scores_are_those_of_pycocoevalcap(capsys):
    pytest.importorskip("pycocoevalcap")
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    rng = np.random.default_rng(0)
    for samples in (1, 2, 7, 30):
        said, known = drawn(rng, samples)
        res = {k: [" ".join(one)] for k, one in enumerate(said)}
        gts = {k: [" ".join(one) for one in each] for k, each in enumerate(known)}
        expected, _ = Bleu(4).compute_score(gts, res)
        assert bleu(said, known) == pytest.approx(expected, abs=1e-6)
        _, expected = Rouge().compute_score(gts, res)
        np.testing.assert_allclose(rouge_l(said, known), expected, atol=1e-6)
        _, expected = Cider().compute_score(gts, res)
        np.testing.assert_allclose(cider_d(said, known), expected, atol=1e-6)


def test_bleu_is_of_the_corpus():
    said, known = [["a", "b"], ["c"]], [[["a", "b"]], [["d", "e"]]]
    # 2 of 3 words are right, one of one pair; three words for four
    assert bleu(said, known)[:2] == pytest.approx(
        [np.exp(-1 / 3) * 2 / 3, np.exp(-1 / 3) * np.sqrt(2 / 3)]
    )
    one = bleu([["a"] * 4], [[["a"] * 3, ["a"] * 5]])  # of two as close the shorter
    assert one[0] == pytest.approx(1)
    assert bleu([["a"] * 4], [[["a", "b", "c"]]])[0] == pytest.approx(1 / 4)


def test_cider_of_a_formula():
    """Two samples of two words; what both have weighs nothing."""
    said, known = [["a", "x"], ["b", "x"]], [[["a", "x"]], [["c", "x"]]]
    # orders 3 and 4 are empty; of the first sample the others agree wholly
    for score in (cider, cider_d):
        np.testing.assert_allclose(score(said, known), [10 * 2 / 4, 0])
    longer = [["a", "x", "a"], ["b", "x"]]
    # order 1: one of two counts; order 2: one of two bigrams, each weighs log 2
    plain = 10 / 4 * (1 + 1 / np.sqrt(2))
    clipped = 10 / 4 * (1 / 2 + 1 / np.sqrt(2)) * np.exp(-1 / 72)
    np.testing.assert_allclose(cider(longer, known)[0], plain)
    np.testing.assert_allclose(cider_d(longer, known)[0], clipped)
    np.testing.assert_allclose(both_ciders(longer, known)[:, 0], [clipped, plain])
    assert cider_d([["a"]], [[["a"]]]).tolist() == [0]  # one alone says nothing
    elsewhere = InverseFrequencies([[["a"]], [["b"]], [["c"]]])
    assert cider_d([["a"]], [[["a"]]], elsewhere)[0] == pytest.approx(10 / 4)


def test_longest_common_subsequence_by_brute_force():
    rng = np.random.default_rng(1)

    def brute(first, second):
        for count in range(len(first), 0, -1):
            for part in combinations(first, count):
                left = iter(second)
                if all(one in left for one in part):
                    return count
        return 0

    for _ in range(60):
        first, second = (rng.integers(0, 3, rng.integers(0, 8)).tolist() for _ in "ab")
        assert longest_common(first, second) == brute(first, second)


def test_slots():
    words = slot_words(dict(way=["up", "down"], sound=["a bell", "bells"]))
    known = [["it goes up", "up it goes"], ["a bell"], ["it"], ["up", "down"]]
    known = [[tokenize(text) for text in one] for one in known]
    said = [tokenize(text) for text in ("Up.", "bells", "down", "down")]
    right, invented = slot_accuracy(said, known, words["way"])
    np.testing.assert_array_equal(right, [1, np.nan, np.nan, 1])
    np.testing.assert_array_equal(invented, [np.nan, 0, 1, np.nan])
    right, _ = slot_accuracy(said, known, words["sound"])
    np.testing.assert_array_equal(right, [np.nan, 0, np.nan, np.nan])
    both = slot_accuracy([["up", "down"]], [[["up"]]], words["way"])[0]
    assert both.tolist() == [0]
    assert exact_match([["a"], ["a"]], [[["b"], ["a"]], [["a", "b"]]]).tolist() == [
        1,
        0,
    ]
    with pytest.raises(ValueError, match="slot 'way' must be a list of words"):
        slot_words(dict(way="up"))
    with pytest.raises(ValueError, match="a word without letters"):
        slot_words(dict(way=["up", "..."]))


def dense_films():
    dense = ANSWERS["dense"]
    films = []
    for name in dict.fromkeys(key for one in dense["truth"] for key in one):
        said = dense["predictions"].get(name, [])
        people = [k for k, one in enumerate(dense["truth"]) if name in one]
        true = [(k, dense["truth"][k][name]) for k in people]
        rows = [
            (k, times, text)
            for k, one in true
            for times, text in zip(one["timestamps"], one["sentences"])
        ]
        films.append(
            FilmCaptions(
                np.array([one["timestamp"] for one in said], float).reshape(-1, 2),
                [tokenize(one["sentence"]) for one in said],
                np.array([times for _, times, _ in rows], float),
                [[tokenize(text)] for *_, text in rows],
                np.array([k for k, *_ in rows]),
            )
        )
    return films


def test_dense_scores_are_those_of_densevid_eval():
    films, expected = dense_films(), ANSWERS["dense"]["scores"]
    assert [len(film.sentences) for film in films] == [3, 2, 0]
    for k, threshold in enumerate((0.3, 0.5, 0.7, 0.9)):
        found = dense_scores(films, threshold)
        found["precision"], found["recall"] = precision_recall(films, threshold)
        assert found == pytest.approx({n: v[k] for n, v in expected.items()}, abs=1e-6)


def test_the_best_matching_by_brute_force():
    rng = np.random.default_rng(2)

    def brute(worth):
        rows, columns = worth.shape
        return max(
            sum(worth[r, c] for r, c in zip(which, where))
            for count in range(min(rows, columns) + 1)
            for which in combinations(range(rows), count)
            for where in combinations(range(columns), count)
        )

    for _ in range(80):
        shape = rng.integers(0, 6, 2)
        worth = rng.random(shape) * (rng.random(shape) < 0.6)
        assert best_in_order(worth) == pytest.approx(brute(worth))


def test_soda_counts_the_story():
    true = np.array([[0.0, 10], [10, 20]])
    whole = soda_c(true, true, np.eye(2))
    assert whole == (1, 1, 1)
    # turned round: only one of both can be told in order
    assert soda_c(true, true, 1 - np.eye(2)).f1 == 0  # tIoU is 0
    turned = soda_c(true[::-1], true, np.eye(2)[::-1])
    assert turned == whole  # the order is that of the starts
    # ten sentences for two: no more is told, precision falls
    many = soda_c(np.repeat(true, 5, 0), true, np.repeat(np.eye(2), 5, 0))
    assert many == pytest.approx((2 / 10, 1, 2 * 0.2 / 1.2))
    # half the segment, half the sentence
    half = soda_c(np.array([[0.0, 5]]), true, np.array([[0.5, 1.0]]))
    assert half == pytest.approx((0.25, 0.125, 2 * 0.25 * 0.125 / 0.375))
    assert soda_c(np.zeros((0, 2)), true, np.zeros((0, 2))) == (0, 0, 0)


def test_what_java_is_needed_for_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(java_scores, "find_spec", lambda name: None)
    assert "pip install --no-deps pycocoevalcap" in why_absent("METEOR")
    with pytest.raises(RuntimeError, match="METEOR cannot be had: it needs"):
        meteor(SAID, KNOWN)
    with pytest.raises(RuntimeError, match="SPICE cannot be had"):
        spice(SAID, KNOWN)


@pytest.mark.slow
def test_meteor():
    if reason := why_absent("METEOR"):
        pytest.skip(reason)
    score, scores = meteor(SAID, KNOWN)
    assert score == pytest.approx(SCORES["meteor_of_all"], abs=1e-6)
    np.testing.assert_allclose(scores, SCORES["meteor"], atol=1e-6)
    films, scorers = (
        dense_films(),
        dict(METEOR=lambda said, known: meteor(said, known)[0]),
    )
    found = [dense_scores(films, t, scorers)["METEOR"] for t in (0.3, 0.5, 0.7, 0.9)]
    assert found == pytest.approx(ANSWERS["dense"]["meteor"], abs=1e-6)
