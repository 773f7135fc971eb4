"""ROUGE-L."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Tokens = Sequence[str]
BETA = 1.2


def rouge_l(
    candidates: Sequence[Tokens], references: Sequence[Sequence[Tokens]]
) -> np.ndarray:
    """ROUGE-L of each sample (Lin 2004), 0 to 1.

    Setting: that of ``pycocoevalcap.rouge.Rouge``. F-measure with beta 1.2 of the
    longest common subsequence; the best precision and the best recall over the
    references may be those of two of them. A sentence without tokens counts as one
    token that is in no other.

    Args:
        candidates: Tokens of a sentence a sample.
        references: Tokens of at least one sentence a sample.

    Returns:
        float64 ``(N,)``.
    """
    scores = []
    for candidate, known in zip(candidates, references, strict=True):
        candidate = list(candidate) or [""]
        known = [list(one) or [""] for one in known]
        common = [longest_common(one, candidate) for one in known]
        precision = max(common) / len(candidate)
        recall = max(n / len(one) for n, one in zip(common, known))
        bottom = recall + BETA**2 * precision
        score = (1 + BETA**2) * precision * recall / bottom if bottom else 0.0
        scores.append(score)
    return np.array(scores)


def longest_common(first: Tokens, second: Tokens) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(second) + 1)
    for one in first:
        above_left = 0
        for k, other in enumerate(second, 1):
            above = row[k]
            row[k] = above_left + 1 if one == other else max(above, row[k - 1])
            above_left = above
    return row[-1]
