"""From predictions to one row of measures per sample; each report is their means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np

from .calibration import TINY, to_probabilities
from .shapley import shapley_values

NONE = "none"


def members(subset: str) -> tuple[str, ...]:
    """``'rgb+audio'`` to ``('rgb', 'audio')``, ``'none'`` to ``()``."""
    return () if subset == NONE else tuple(subset.split("+"))


def full_subset(subsets: Iterable[str]) -> str:
    return max(subsets, key=lambda subset: len(members(subset)))


def pair_measures(first: str, second: str) -> tuple[str, str, str, str]:
    """Names of the shares of samples that both, one and none get right alone."""
    return tuple(
        f"complement/{first}+{second}/{case}"
        for case in ("both_right", f"only_{first}", f"only_{second}", "both_wrong")
    )


def presence_measures(name: str, worth: str) -> tuple[str, str, str, str]:
    """Worth (``acc`` or ``map``) of samples with a modality, of these when it is taken
    away, of samples without; its Shapley value over samples with it."""
    return (
        f"{worth}_with/{name}",
        f"{worth}_taken_away/{name}",
        f"{worth}_without/{name}",
        f"shapley_with/{name}",
    )


def surprise(scores: np.ndarray, label: int) -> float:
    """Negative log-likelihood of a label, in nats; at most 87.3, as float32 has it.

    Args:
        scores: ``(C,)``. Probabilities if none is negative and they sum to 1;
            otherwise logits or log-probabilities, which a log-softmax makes
            log-probabilities (and leaves as they are).
        label: The right class.
    """
    return float(-np.log(max(to_probabilities(scores)[label], TINY)))


def surprise_of_several(scores: np.ndarray, right: np.ndarray, logits: bool) -> float:
    """Mean binary cross entropy over classes, in nats; at most 87.3, as float32 has it.

    Args:
        scores: ``(C,)``.
        right: Which classes are right, ``(C,)`` from 0 to 1.
        logits: Whether the scores are logits; else probabilities.
    """
    scores = np.asarray(scores, np.float64)
    if logits:
        yes, no = np.logaddexp(0, -scores), np.logaddexp(0, scores)
    else:
        yes, no = (-np.log(np.maximum(p, TINY)) for p in (scores, 1 - scores))
    return float(np.mean(right * yes + (1 - right) * no))


class Outcomes:
    """What came of each sample, under each subset of the modalities.

    A sample that lacks a modality keeps its place in every subset, judged by what
    it has. Where a sample may have several classes, its average precision takes the
    place of right or wrong: of the mean over samples, MMAction2's
    ``mmit_mean_average_precision``, everything here is a part. A sample without a
    class says nothing of it.

    Args:
        results: One dict per sample: ``label``, or a list of labels; ``subsets``
            ``{subset: predicted class}``, with several labels ``{subset: average
            precision}``; ``has`` ``[modality]``; ``streams`` the same of
            ``{modality: ...}`` of streams with classifiers; ``nll`` ``{name: nats}``;
            ``weights`` ``{modality: [share at each time step]}``. Where a sample has
            one class, ``confidence`` ``{subset: probability of the predicted class}``,
            ``plain_confidence`` the same at a temperature of 1, and ``temperature``.
            Of a head that judges by a metric of its own also ``worth``, its name;
            ``subsets`` and ``streams`` hold its values then, and ``label`` is an empty
            list.

    Attributes:
        subsets: Names of all subsets, in the head's order.
        modalities: Their members, in the head's order.
        full: The subset of all modalities.
        worth: What a sample is judged by: ``'acc'``, ``'map'``, or the name that the
            head gives it.
        labels: The labels that occur, in order.
        columns: ``{measure: (N,)}``; NaN where a sample says nothing of it.
        weights: ``{modality: (N, T)}``; NaN where it lacks the modality. Empty if
            the operator has none.
        confidence: ``{subset: (N,)}`` of samples with one class each; NaN where the
            file could not be read. Empty where they may have several.
        plain_confidence: The same at a temperature of 1.
        temperature: Of the predictions.
    """

    def __init__(self, results: Sequence[Mapping]) -> None:
        self.subsets = tuple(results[0]["subsets"])
        sets = {subset: members(subset) for subset in self.subsets}
        self.modalities = tuple(own[0] for own in sets.values() if len(own) == 1)
        self.full = full_subset(self.subsets)
        self._several = isinstance(results[0]["label"], list)
        self.worth = results[0].get("worth") or ("map" if self._several else "acc")
        self._rows: dict[int, list[int]] = {}  # of each label
        for row, one in enumerate(results):
            for label in one["label"] if self._several else [one["label"]]:
                self._rows.setdefault(label, []).append(row)
        self.labels = sorted(self._rows)
        self._results = results
        self._has = {
            name: np.array([name in one["has"] for one in results])
            for name in self.modalities
        }
        right = {
            subset: self._judge([one["subsets"][subset] for one in results])
            for subset in self.subsets
        }
        self.columns = {f"{self.worth}/{subset}": right[subset] for subset in right}
        for subset, own in sets.items():
            if not self._has_all(self.modalities).all():
                measure = f"{self.worth}_having/{subset}"
                self._add(measure, right[subset], self._has_all(own))
        self._add_streams()
        gains = shapley_values({sets[subset]: right[subset] for subset in sets})
        for name in self.modalities:
            self.columns[f"shapley/{name}"] = gains[name]
            self._add_presence(name, right, gains[name])
        if not self._several:  # else there is no right and wrong
            for first, second in combinations(self.modalities, 2):
                self._add_pair(first, second, right[first] == 1, right[second] == 1)
        self.temperature = results[0].get("temperature", 1.0)
        self.confidence, self.plain_confidence = (
            {
                subset: np.array([one[field][subset] for one in results])
                for subset in (self.subsets if field in results[0] else ())
            }
            for field in ("confidence", "plain_confidence")
        )
        self.weights = self._collect_weights()
        for name, shares in self.weights.items():
            self.columns[f"weight/{name}"] = shares.mean(1)

    def rows_of(self, label: int) -> np.ndarray:
        """The places of the samples that have a label."""
        return np.array(self._rows[label])

    def _judge(self, answers: Sequence) -> np.ndarray:
        """``(N,)``: 1 where the class is right, else 0; or the values as they are."""
        if self._several:
            return np.array(answers, np.float64)
        return (np.array(answers) == [one["label"] for one in self._results]) * 1.0

    def _has_all(self, names: Sequence[str]) -> np.ndarray:
        return np.all(
            [self._has[name] for name in names]
            or [np.ones(len(self._results), dtype=bool)],
            axis=0,
        )

    def _add(self, measure: str, values: np.ndarray, where: np.ndarray) -> None:
        """A column, unless no sample says anything of it."""
        if where.any():
            self.columns[measure] = np.where(where, values * 1.0, np.nan)

    def _add_presence(self, name: str, right: Mapping, gain: np.ndarray) -> None:
        """Samples with and without a modality apart, if some lack it."""
        here = self._has[name]
        if here.all():
            return
        others = set(self.modalities) - {name}
        left = next(one for one in self.subsets if set(members(one)) == others)
        measures = presence_measures(name, self.worth)
        self._add(measures[0], right[self.full], here)
        self._add(measures[1], right[left], here)
        self._add(measures[2], right[self.full], ~here)
        self._add(measures[3], gain, here)

    def _add_streams(self) -> None:
        results = self._results
        for name in self.modalities:
            known = np.array([name in one["streams"] for one in results])
            said = [one["streams"].get(name, -1) for one in results]
            self._add(f"{self.worth}/stream_{name}", self._judge(said), known)
        for name in ("fused", *(f"stream_{name}" for name in self.modalities)):
            known = np.array([name in one["nll"] for one in results])
            nats = np.array([one["nll"].get(name, np.nan) for one in results])
            self._add(f"nll/{name}", nats, known)

    def _add_pair(
        self, first: str, second: str, right: np.ndarray, other: np.ndarray
    ) -> None:
        cases = (right & other, right & ~other, ~right & other, ~right & ~other)
        for measure, case in zip(pair_measures(first, second), cases):
            self._add(measure, case, self._has_all((first, second)))

    def _collect_weights(self) -> dict[str, np.ndarray]:
        results = self._results
        names = [name for name in self.modalities if name in results[0]["weights"]]
        weights = {}
        for name in names:
            rows = [np.asarray(one["weights"][name], np.float64) for one in results]
            steps = max(map(len, rows))
            shares = np.stack([_stretch(row, steps) for row in rows])  # (N, T)
            weights[name] = np.where(self._has[name][:, None], shares, np.nan)
        return weights


def _stretch(row: np.ndarray, steps: int) -> np.ndarray:
    """``(t,)`` to ``(steps,)``, linear between the same first and last step."""
    if len(row) == steps:
        return row
    return np.interp(np.linspace(0, 1, steps), np.linspace(0, 1, len(row)), row)
