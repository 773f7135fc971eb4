"""Agreement of sentences with references, as MMEngine metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from mmaction.registry import METRICS

from .caption_samples import coco_captions, read_captions
from .caption_scores import JAVA, SETTINGS, WORTHS, CaptionScores, score_captions
from .captions import InverseFrequencies, slot_words, tokenize
from .class_report import report_modalities
from .reporting_metric import ResultFileMetric
from .sample_fields import names_of_subsets


@METRICS.register_module()
class CaptionMetric(ResultFileMetric):
    """Scores of sentences, of all modalities and of each subset.

    Reads ``pred_caption``, ``gt_captions`` (a list of references) and, where the head
    has ``score_subsets``, ``subset_captions`` ``{subset: text}``. Tokens are those of
    :func:`~.captions.tokenize`. Logged, after the prefix (what each is exactly stands
    in the report as ``settings``):

    - ``BLEU-1`` to ``BLEU-4``: of the corpus, as pycocoevalcap.
    - ``ROUGE-L``, ``CIDEr-D``: means over samples, as pycocoevalcap; its ``Cider`` is
      CIDEr-D, and so is what tables call CIDEr. ``CIDEr-unclipped`` is CIDEr as first
      defined, which they do not mean.
    - ``METEOR``, ``SPICE``: with ``java_scores``, where they can be had; a warning and
      ``absent`` in the report say why not.
    - ``exact_match``: of the samples whose sentence has the tokens of a reference.
      ``save_best="caption/exact_match"`` needs ``rule="greater"``.
    - ``slot/{name}``: of the samples of which a reference has a word of the slot, those
      where the sentence has the same; ``slots``: mean over slots.
      ``invented/{name}``: of the other samples, those where the sentence has one.
    - ``BLEU-4``, ``ROUGE-L``, ``CIDEr-D``, ``exact_match``, ``slot/{name}`` and so on
      with ``/{subset}``: by what is heard and seen, from ``none`` to all modalities.
    - ``shapley/{modality}``: exact, of ``worth`` (of CIDEr-D a tenth); they sum to that
      of all modalities minus that of none.
    - ``margin/best_stream``: ``worth`` of all modalities minus that of the best single
      one. Negative is also a warning in the log.

    Where sentences follow a pattern, one who knows nothing has high scores too: slots
    are what counts. Files that could not be read count like all others; files without
    references are left out, and a warning says how many.

    Args:
        slots: ``{name: [words]}``, words that a sentence chooses among.
        worth: What Shapley values are of: ``'exact_match'``, ``'slots'``,
            ``'BLEU-4'``, ``'ROUGE-L'`` or ``'CIDEr-D'``.
        java_scores: Of ``'METEOR'`` and ``'SPICE'``; of all modalities only.
        out_dir: Write ``caption_report.json`` and ``.csv`` (a line for each file, with
            its sentences) here; with subsets also ``caption_modality_report.json``,
            ``.csv`` and ``.png``. With another prefix that is in the place of
            ``caption``. None: only log.
        out_file: Write the sentences here, as COCO's result file. None: do not.
        collect_device: Of ``BaseMetric``.
        prefix: Of ``BaseMetric``. None: ``caption``.
        collect_dir: Of ``BaseMetric``.

    Raises:
        ValueError: There is no such worth or score; a slot has no words to choose
            among; or a data sample has no ``pred_caption``, or other subsets than the
            rest.
        ForeignFile: ``out_file`` is there and was not written here.
    """

    default_prefix = "caption"

    def __init__(
        self,
        slots: Mapping[str, Sequence[str]] | None = None,
        *,
        worth: str = "exact_match",
        java_scores: Sequence[str] = (),
        out_dir: str | Path | None = None,
        out_file: str | Path | None = None,
        collect_device: str = "cpu",
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(
            out_dir,
            out_file,
            collect_device=collect_device,
            prefix=prefix,
            collect_dir=collect_dir,
        )
        if worth not in WORTHS or (worth == "slots" and not slots):
            raise ValueError(
                f"worth must be one of {', '.join(WORTHS)} ('slots' with slots), got "
                f"{worth!r}"
            )
        if unknown := set(java_scores) - JAVA.keys():
            raise ValueError(f"java_scores are {', '.join(JAVA)}, got {unknown}")
        self.slots = slot_words(slots or {})
        self.worth = worth
        self.java_scores = tuple(java_scores)

    def process(self, data_batch: object, data_samples: Sequence[Mapping]) -> None:
        """Keep of each sample its sentences."""
        for sample in data_samples:
            self.results.append(read_captions(sample, type(self).__name__))

    def compute_metrics(self, results: Sequence[Mapping]) -> dict[str, float]:
        self._write_file(results)
        labelled = [one for one in results if one["truth"] is not None]
        self._warn_left_out(
            labelled, results, "samples have no references (gt_captions)"
        )
        if not labelled:
            self._warn("no sample has references, nothing to measure")
            return {}
        references = [[tokenize(text) for text in one["truth"]] for one in labelled]
        idf = InverseFrequencies(references)

        def score(texts: Sequence[str], java: Sequence[str] = ()) -> CaptionScores:
            tokens = [tokenize(text) for text in texts]
            return score_captions(tokens, references, self.slots, idf, java)

        found = score([one["said"] for one in labelled], self.java_scores)
        for name, reason in found.absent.items():
            self._warn(f"no {name}: {reason}")
        names = names_of_subsets(labelled, type(self).__name__, "subset_captions")
        subsets = {
            name: score([one["subsets"][name] for one in labelled]) for name in names
        }
        measures = dict(found.measures)
        measures |= self._measures_of_subsets(subsets, len(labelled))
        self.report = dict(
            samples=len(results),
            without_references=len(results) - len(labelled),
            not_read=sum(one["failed"] for one in results),
            settings={k: text for k, text in SETTINGS.items() if k in found.measures},
            absent=found.absent,
            measures=measures,
            classes=[_row(one, k, found, subsets) for k, one in enumerate(labelled)],
        )
        self._write()
        return measures

    def _file_of(self, results: Sequence[Mapping]) -> list[dict]:
        return coco_captions(results)

    def _measures_of_subsets(
        self, subsets: Mapping[str, CaptionScores], samples: int
    ) -> dict[str, float]:
        """Measures by subset, and the Shapley values of the worth."""
        self.modality_report = None
        if not subsets:
            return {}
        measures = {
            f"{measure}/{name}": value
            for name, one in subsets.items()
            for measure, value in one.measures.items()
        }
        if any(self.worth not in one.measures for one in subsets.values()):
            self._warn("no reference has a word of any slot: no Shapley values")
            return measures
        worths = {name: one.worth(self.worth) for name, one in subsets.items()}
        report = report_modalities(worths, WORTHS[self.worth], samples)
        kept = self._keep_modalities(report)
        shown = ("shapley/", "margin/")
        return measures | {k: v for k, v in kept.items() if k.startswith(shown)}


def _row(
    one: Mapping, place: int, found: CaptionScores, subsets: Mapping[str, CaptionScores]
) -> dict:
    """A sample's sentences and what they reach; None: it is not judged by that."""
    row = dict(file=one["name"], segment=one["segment"], not_read=one["failed"])
    row |= dict(caption=one["said"], references=" | ".join(one["truth"]))
    row |= {name: _plain(values[place]) for name, values in found.samples.items()}
    for name, scores in subsets.items():
        row[f"caption/{name}"] = one["subsets"][name]
        row[f"exact_match/{name}"] = _plain(scores.samples["exact_match"][place])
    return row


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
