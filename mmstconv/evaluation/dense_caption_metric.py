"""Sentences of segments and what story they tell, as an MMEngine metric."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from mmaction.registry import METRICS

from .caption_samples import dense_captions, read_dense_captions
from .captions import (
    FilmCaptions,
    InverseFrequencies,
    cider_d,
    dense_scores,
    meteor,
    precision_recall,
    rouge_l,
    soda_c,
    tokenize,
    why_absent,
)
from .captions.cider import SCALE
from .captions.dense import SCORERS, TIOU_THRESHOLDS
from .captions.soda import Story
from .reporting_metric import ResultFileMetric

SETTINGS = {
    "dense": "densevid_eval of ActivityNet Captions: each prediction with each true "
    "sentence above the tIoU, or with a word that nobody says; a film's score is that "
    "of its pairs as a corpus (CIDEr-D takes frequencies from them, and is 0 of one "
    "pair), means over films; text that is not ASCII stays",
    "SODA_c": "Fujita et al. 2020, F1 of the best matching in the order of starts by "
    "tIoU times the sentence score in brackets; of each film the best set of "
    "references, means over films. CIDEr-D a tenth, frequencies of all true segments",
}


@METRICS.register_module()
class DenseCaptionMetric(ResultFileMetric):
    """Scores of the sentences of films, each of a segment.

    Reads ``pred_segments`` ``(P, 2)`` seconds, ``pred_captions`` (P texts) and
    ``pred_scores`` ``(P,)``; of the truth ``gt_segments`` ``(K, 2)``,
    ``gt_segment_captions`` (K lists of texts) and, where several people have each given
    segments, ``gt_segment_sources`` ``(K,)``. Logged, after the prefix (what each is
    exactly stands in the report as ``settings``):

    - ``BLEU-4@0.3`` and so on, ``ROUGE-L@...``, ``CIDEr-D@...``, ``precision@...``,
      ``recall@...`` at tIoU 0.3, 0.5, 0.7 and 0.9, and without ``@`` their means: the
      protocol of ActivityNet Captions. It does not see what was left out, nor how many
      sentences say the same.
    - ``SODA_c(ROUGE-L)``, ``SODA_c(CIDEr-D)``: F1 of telling the story, with the score
      of sentences in brackets. The paper's has METEOR.
    - With ``meteor``, where it can be had: ``METEOR@...``, ``METEOR``,
      ``SODA_c(METEOR)``; a warning and ``absent`` in the report say why not.

    Files that could not be read count like all others; files without truth are left
    out, and a warning says how many.

    Args:
        meteor: Whether METEOR is wanted.
        max_sentences: The best so many of a film, by score.
        out_dir: Write ``dense_caption_report.json`` and ``.csv`` (a line for each film)
            here. With another prefix that is in the place of ``dense_caption``. None:
            only log.
        out_file: Write the sentences here, as a submission to ActivityNet Captions.
            None: do not.
        collect_device: Of ``BaseMetric``.
        prefix: Of ``BaseMetric``. None: ``dense_caption``.
        collect_dir: Of ``BaseMetric``.

    Raises:
        ValueError: A data sample has no ``pred_segments`` or ``pred_captions``, or
            not as many of one as of the other.
        ForeignFile: ``out_file`` is there and was not written here.
    """

    default_prefix = "dense_caption"

    def __init__(
        self,
        *,
        meteor: bool = False,
        max_sentences: int = 1000,
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
        self.meteor = meteor
        self.max_sentences = max_sentences

    def process(self, data_batch: object, data_samples: Sequence[Mapping]) -> None:
        """Keep of each film its sentences."""
        for sample in data_samples:
            self.results.append(read_dense_captions(sample, type(self).__name__))

    def compute_metrics(self, results: Sequence[Mapping]) -> dict[str, float]:
        self._write_file(results)
        labelled = [one for one in results if one["truth"] is not None]
        labelled = [one for one in labelled if len(one["truth"]["segments"])]
        self._warn_left_out(labelled, results, "films have no true segment")
        if not labelled:
            self._warn("no film has a true segment, nothing to measure")
            return {}
        absent = {}
        if self.meteor and (reason := why_absent("METEOR")):
            absent["METEOR"] = reason
            self._warn(f"no METEOR: {reason}")
        with_meteor = self.meteor and not absent
        films = [self._film(one) for one in labelled]
        measures = _at_thresholds(films, with_meteor)
        stories = _stories(films, with_meteor)
        measures |= {
            name: float(np.mean([story.f1 for story in found]))
            for name, found in stories.items()
        }
        self.report = dict(
            films=len(results),
            without_truth=len(results) - len(labelled),
            not_read=sum(one["failed"] for one in results),
            sentences=sum(len(film.sentences) for film in films),
            true_segments=sum(len(film.true) for film in films),
            settings=SETTINGS,
            absent=absent,
            measures=measures,
            classes=[
                _row(one, {name: found[k] for name, found in stories.items()})
                for k, one in enumerate(labelled)
            ],
        )
        self._write()
        return measures

    def _file_of(self, results: Sequence[Mapping]) -> dict:
        return dense_captions(results)

    def _film(self, one: Mapping) -> FilmCaptions:
        kept = np.argsort(-one["scores"], kind="stable")[: self.max_sentences]
        truth = one["truth"]
        return FilmCaptions(
            one["segments"][kept],
            [tokenize(one["said"][k]) for k in kept],
            truth["segments"],
            [[tokenize(text) for text in each] for each in truth["captions"]],
            truth["sources"],
        )


def _at_thresholds(films: Sequence[FilmCaptions], with_meteor: bool) -> dict:
    """The protocol's scores at each tIoU, and their means."""
    scorers = dict(SCORERS)
    if with_meteor:
        scorers["METEOR"] = lambda said, known: meteor(said, known)[0]
    measures: dict[str, float] = {}
    lists: dict[str, list[float]] = {}
    for threshold in TIOU_THRESHOLDS:
        found = dense_scores(films, threshold, scorers)
        found["precision"], found["recall"] = precision_recall(films, threshold)
        for name, value in found.items():
            measures[f"{name}@{threshold}"] = value
            lists.setdefault(name, []).append(value)
    return measures | {name: float(np.mean(values)) for name, values in lists.items()}


def _stories(
    films: Sequence[FilmCaptions], with_meteor: bool
) -> dict[str, list[Story]]:
    """SODA_c of each film, by what judges sentences."""
    idf = InverseFrequencies(known for film in films for known in film.references)
    judges: dict[str, Callable] = {
        "ROUGE-L": rouge_l,
        "CIDEr-D": lambda said, known: cider_d(said, known, idf) / SCALE,
    }
    if with_meteor:
        judges["METEOR"] = lambda said, known: meteor(said, known)[1]
    return {
        f"SODA_c({name})": [_story(film, judge) for film in films]
        for name, judge in judges.items()
    }


def _story(film: FilmCaptions, judge: Callable) -> Story:
    """SODA_c with the person's references that it is best with."""
    shape = len(film.sentences), len(film.true)
    said = [one for one in film.sentences for _ in film.references]
    known = film.references * len(film.sentences)
    scores = np.reshape(judge(said, known) if said else (), shape)
    stories = []
    for person in np.unique(film.people):
        own = film.people == person
        stories.append(soda_c(film.predicted, film.true[own], scores[:, own]))
    return max(stories, key=lambda story: story.f1)


def _row(one: Mapping, stories: Mapping[str, Story]) -> dict:
    row = dict(file=one["name"], not_read=one["failed"], sentences=len(one["said"]))
    row["true_segments"] = len(one["truth"]["segments"])
    for name, story in stories.items():
        row[name] = story.f1
        row |= {f"{name} precision": story.precision, f"{name} recall": story.recall}
    return row
