"""METEOR and SPICE, where Java and pycocoevalcap are."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

Tokens = Sequence[str]
# What SPICE fetches from the network when it is first used; here it has to be there.
SPICE_MODELS = "spice/lib/stanford-corenlp-3.6.0-models.jar"


def why_absent(name: str) -> str | None:
    """What ``'METEOR'`` or ``'SPICE'`` lacks on this machine; None: nothing."""
    found = find_spec("pycocoevalcap")
    if found is None:
        return (
            "it needs the package pycocoevalcap (pip install --no-deps pycocoevalcap)"
        )
    if shutil.which("java") is None:
        return "it needs a Java runtime (java is not on the PATH)"
    folder = Path(found.submodule_search_locations[0])
    if name == "SPICE" and not (folder / SPICE_MODELS).exists():
        return f"it needs {folder / SPICE_MODELS}, which pycocoevalcap downloads"
    return None


def meteor(
    candidates: Sequence[Tokens], references: Sequence[Sequence[Tokens]]
) -> tuple[float, np.ndarray]:
    """METEOR 1.5, English, ``-norm``, of the corpus and of each sample, 0 to 1.

    Setting: that of ``pycocoevalcap.meteor.Meteor`` (Denkowski and Lavie 2014). The
    value of the corpus is no mean over samples.

    Args:
        candidates: Tokens of a sentence a sample.
        references: Tokens of at least one sentence a sample.

    Raises:
        RuntimeError: Java or the package is missing.
    """
    _need("METEOR")
    score, scores = _meteor_process().compute_score(*_by_number(candidates, references))
    return float(score), np.array(scores)


def spice(
    candidates: Sequence[Tokens], references: Sequence[Sequence[Tokens]]
) -> tuple[float, np.ndarray]:
    """SPICE (Anderson et al. 2016), mean and of each sample, 0 to 1.

    Setting: that of ``pycocoevalcap.spice.Spice``, the F-measure of all tuples.

    Args:
        candidates: Tokens of a sentence a sample.
        references: Tokens of at least one sentence a sample.

    Raises:
        RuntimeError: Java, the package or its models are missing.
    """
    _need("SPICE")
    from pycocoevalcap.spice.spice import Spice

    score, scores = Spice().compute_score(*_by_number(candidates, references))
    return float(score), np.array([one["All"]["f"] for one in scores], float)


@functools.cache
def _meteor_process():
    """Java takes long to start and to read its tables: it stays until Python ends."""
    from pycocoevalcap.meteor.meteor import Meteor

    return Meteor()


def _need(name: str) -> None:
    if reason := why_absent(name):
        raise RuntimeError(f"{name} cannot be had: {reason}")


def _by_number(candidates: Sequence[Tokens], references: Sequence[Sequence[Tokens]]):
    """What pycocoevalcap takes: references and candidates by a number each."""
    pairs = enumerate(zip(candidates, references, strict=True))
    known, said = {}, {}
    for number, (candidate, sentences) in pairs:
        known[number] = [_text(one) for one in sentences]
        said[number] = [_text(candidate)]
    return known, said


def _text(tokens: Tokens) -> str:
    return " ".join(tokens).replace("|||", "")  # that is how it parts sentences
