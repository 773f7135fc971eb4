"""All scores of the sentences of a data set, each with its exact setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from .captions import (
    InverseFrequencies,
    bleu,
    both_ciders,
    exact_match,
    meteor,
    rouge_l,
    slot_accuracy,
    spice,
    why_absent,
)
from .captions.cider import SCALE

Tokens = Sequence[str]
TOKENS = "tokens as PTBTokenizer of CoreNLP 3.4.1 with COCO's punctuation dropped"
_BLEU = f"of the corpus, closest reference length, unsmoothed, 0 to 1; {TOKENS}"
#: What each measure is exactly.
SETTINGS = {
    **{f"BLEU-{n}": f"pycocoevalcap Bleu: {_BLEU}" for n in range(1, 5)},
    "ROUGE-L": f"pycocoevalcap Rouge: beta 1.2, mean over samples, 0 to 1; {TOKENS}",
    "CIDEr-D": "pycocoevalcap Cider, called CIDEr in tables: clipped, sigma 6, "
    f"frequencies of these references, mean over samples, 0 to 10; {TOKENS}, unstemmed",
    "CIDEr-unclipped": "CIDEr of Vedantam et al. 2015, eq. 3, times 10: unclipped, no "
    f"penalty of length, frequencies of these references; {TOKENS}, unstemmed",
    "METEOR": "pycocoevalcap Meteor: METEOR 1.5 (Java), English, -norm, of the corpus; "
    f"{TOKENS}",
    "SPICE": f"pycocoevalcap Spice (Java), mean over samples; {TOKENS}",
    "exact_match": f"all tokens equal to those of one reference; {TOKENS}",
    "slots": "mean over slots of the share of samples with the right word",
}
#: What needs Java.
JAVA = {"METEOR": meteor, "SPICE": spice}
#: What Shapley values may be of, and how the report calls it.
WORTHS = {
    "exact_match": "exact match",
    "slots": "slot accuracy",
    "BLEU-4": "BLEU-4",
    "ROUGE-L": "ROUGE-L",
    "CIDEr-D": "CIDEr-D / 10",
}


class CaptionScores(NamedTuple):
    """Scores of N sentences.

    Args:
        measures: Of all of them together.
        samples: ``{measure: (N,)}`` of each; NaN: not judged.
        absent: ``{measure: reason}`` of what cannot be had.
    """

    measures: dict[str, float]
    samples: dict[str, np.ndarray]
    absent: dict[str, str]

    def worth(self, name: str) -> np.ndarray:
        """What subsets are compared by, 0 to 1: of each sample, or of the corpus."""
        if name in ("BLEU-4", "slots"):
            return np.array([self.measures[name]])
        return self.samples[name] / (SCALE if name == "CIDEr-D" else 1)


def score_captions(
    candidates: Sequence[Tokens],
    references: Sequence[Sequence[Tokens]],
    slots: Mapping[str, Sequence[Tokens]],
    idf: InverseFrequencies,
    java: Sequence[str] = (),
) -> CaptionScores:
    """Scores of sentences.

    Args:
        candidates: Tokens of a sentence a sample.
        references: Tokens of at least one sentence a sample.
        slots: ``{name: words}``, tokens each.
        idf: Frequencies of the references.
        java: Of ``'METEOR'`` and ``'SPICE'`` those wanted.
    """
    measures = {
        f"BLEU-{n}": score for n, score in enumerate(bleu(candidates, references), 1)
    }
    clipped, unclipped = both_ciders(candidates, references, idf)
    samples = {
        "ROUGE-L": rouge_l(candidates, references),
        "CIDEr-D": clipped,
        "CIDEr-unclipped": unclipped,
        "exact_match": exact_match(candidates, references),
    }
    for name, words in slots.items():
        right, invented = slot_accuracy(candidates, references, words)
        samples |= {f"slot/{name}": right, f"invented/{name}": invented}
    for name, values in samples.items():
        if not np.isnan(values).all():
            measures[name] = float(np.nanmean(values))
    rights = [measures[f"slot/{one}"] for one in slots if f"slot/{one}" in measures]
    if rights:
        measures["slots"] = float(np.mean(rights))
    absent = {}
    for name, score in JAVA.items():
        if name in java and (reason := why_absent(name)):
            absent[name] = reason
        elif name in java:
            measures[name], samples[name] = score(candidates, references)
    return CaptionScores(measures, samples, absent)
