"""Sentences of data samples, and files of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .sample_fields import as_numbers, name_of, names_of_videos, required

ADVICE = "the head must be one that says a sentence (model.cls_head)"
DENSE_ADVICE = "what is evaluated must be dense captions of films"


def read_captions(sample: Mapping, whose: str) -> dict:
    """References and sentences of one data sample; plain values, to be gathered.

    Args:
        sample: With ``pred_caption``, ``gt_captions`` (None or not there: not labelled)
            and perhaps ``subset_captions``.
        whose: Name of the metric, for messages.

    Returns:
        ``name``, ``video``, ``segment`` (None if there is none), ``failed``, ``truth``
        (a list of texts, or None), ``said`` and ``subsets`` ``{name: text}``.

    Raises:
        ValueError: Something is missing or no text.
    """
    name = name_of(sample)
    where = f"{whose}: {name}"
    said = required(sample, "pred_caption", whose, ADVICE)
    truth = sample.get("gt_captions")
    if truth is not None:
        truth = _texts(truth, f"{where}: gt_captions")
        if not truth:
            raise ValueError(f"{where}: gt_captions is empty")
    subsets = dict(sample.get("subset_captions") or {})
    _texts([said, *subsets.values()], f"{where}: pred_caption or subset_captions")
    segment = sample.get("segment")
    return dict(
        name=name,
        video=str(sample.get("video_id") or ""),
        segment=None if segment is None else [float(one) for one in segment],
        failed="failure" in sample,
        truth=truth,
        said=said,
        subsets=subsets,
    )


def read_dense_captions(sample: Mapping, whose: str) -> dict:
    """References and sentences of a film; plain values, to be gathered.

    Args:
        sample: With ``pred_segments`` ``(P, 2)``, ``pred_captions`` and perhaps
            ``pred_scores`` ``(P,)``; ``gt_segments`` ``(K, 2)`` (None or not there: not
            labelled), ``gt_segment_captions`` and perhaps ``gt_segment_sources``.
        whose: Name of the metric, for messages.

    Raises:
        ValueError: Something is missing, or not of its shape, or no text.
    """
    name = name_of(sample)
    where = f"{whose}: {name}"
    said = required(sample, "pred_captions", whose, DENSE_ADVICE)
    said = _texts(said, f"{where}: pred_captions")
    found = required(sample, "pred_segments", whose, DENSE_ADVICE)
    truth = None
    if sample.get("gt_segments") is not None:
        listed = sample.get("gt_segment_captions")
        if listed is None:
            raise ValueError(f"{where} has gt_segments but no gt_segment_captions")
        known = [_texts(one, f"{where}: gt_segment_captions") for one in listed]
        sources = sample.get("gt_segment_sources")
        sources = [0] * len(known) if sources is None else sources
        truth = dict(
            segments=_segments(sample["gt_segments"], len(known), f"{where}: gt"),
            captions=known,
            sources=as_numbers(sources).astype(np.int64),
        )
        if truth["sources"].shape != (len(known),):
            raise ValueError(f"{where}: gt_segment_sources must be one a segment")
    scores = sample.get("pred_scores")
    scores = np.ones(len(said)) if scores is None else as_numbers(scores)
    if scores.shape != (len(said),):
        raise ValueError(
            f"{where}: pred_scores of shape {scores.shape}, expected ({len(said)},)"
        )
    return dict(
        name=name,
        video=str(sample.get("video_id") or ""),
        failed="failure" in sample,
        truth=truth,
        segments=_segments(found, len(said), f"{where}: pred"),
        said=said,
        scores=scores,
    )


def coco_captions(results: Sequence[Mapping]) -> list[dict]:
    """Sentences as COCO's result file of captions, with the segment where there is one.

    ``image_id`` is as :func:`~.sample_fields.names_of_videos`.
    """
    listed = []
    for video, one in zip(names_of_videos(results), results):
        row = dict(image_id=video, caption=one["said"])
        listed.append(
            row if one["segment"] is None else dict(row, timestamp=one["segment"])
        )
    return listed


def dense_captions(results: Sequence[Mapping]) -> dict:
    """Sentences as a submission to ActivityNet Captions.

    Videos are called as :func:`~.sample_fields.names_of_videos` has it.
    """
    listed: dict[str, list] = {}
    for video, one in zip(names_of_videos(results), results):
        rows = listed.setdefault(video, [])
        for segment, text, score in zip(one["segments"], one["said"], one["scores"]):
            row = dict(sentence=text, timestamp=segment.tolist(), score=float(score))
            rows.append(row)
    return dict(version="VERSION 1.0", results=listed, external_data={})


def _texts(values: Sequence, where: str) -> list[str]:
    if isinstance(values, str) or not all(isinstance(one, str) for one in values):
        raise ValueError(f"{where} must be texts, got {values!r}"[:300])
    return list(values)


def _segments(values: object, count: int, where: str) -> np.ndarray:
    segments = as_numbers(values)
    if segments.size == 0 and count == 0:
        return np.zeros((0, 2))
    if segments.shape != (count, 2) or not np.isfinite(segments).all():
        raise ValueError(
            f"{where}_segments of shape {segments.shape}, expected ({count}, 2) finite "
            "numbers beside as many sentences"
        )
    if (segments[:, 1] < segments[:, 0]).any():
        raise ValueError(f"{where}_segments: a segment ends before its start")
    return segments
