"""Sentences of data samples, and files of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from ..disk import write_own

#: What a data sample without such a field has to do.
ADVICE = dict(
    pred_caption="the head must be one that says a sentence (model.cls_head)",
    pred_captions="what is evaluated must be dense captions of films",
    pred_segments="what is evaluated must be dense captions of films",
)


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
    where = _where(sample, whose)
    said = _required(sample, "pred_caption", where)
    truth = sample.get("gt_captions")
    if truth is not None:
        truth = _texts(truth, f"{where}: gt_captions")
        if not truth:
            raise ValueError(f"{where}: gt_captions is empty")
    subsets = dict(sample.get("subset_captions") or {})
    _texts([said, *subsets.values()], f"{where}: pred_caption or subset_captions")
    segment = sample.get("segment")
    return dict(
        name=str(sample.get("filename", "a data sample")),
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
    where = _where(sample, whose)
    said = _texts(_required(sample, "pred_captions", where), f"{where}: pred_captions")
    found = _required(sample, "pred_segments", where)
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
            sources=_array(sources).astype(np.int64),
        )
        if truth["sources"].shape != (len(known),):
            raise ValueError(f"{where}: gt_segment_sources must be one a segment")
    scores = sample.get("pred_scores")
    scores = np.ones(len(said)) if scores is None else _array(scores)
    if scores.shape != (len(said),):
        raise ValueError(
            f"{where}: pred_scores of shape {scores.shape}, expected ({len(said)},)"
        )
    return dict(
        name=str(sample.get("filename", "a data sample")),
        video=str(sample.get("video_id") or ""),
        failed="failure" in sample,
        truth=truth,
        segments=_segments(found, len(said), f"{where}: pred"),
        said=said,
        scores=scores,
    )


def write_coco_captions(results: Sequence[Mapping], path: str | Path) -> None:
    """Sentences as COCO's result file of captions, with the segment where there is one.

    ``image_id`` is the ``video_id`` of the data sample, else the file's name without
    its ending.

    Raises:
        ForeignFile: There is such a file that was not written here.
    """
    listed = []
    for one in results:
        row = dict(image_id=_video(one), caption=one["said"])
        listed.append(
            row if one["segment"] is None else dict(row, timestamp=one["segment"])
        )
    _write(listed, path)


def write_dense_captions(results: Sequence[Mapping], path: str | Path) -> None:
    """Sentences as a submission to ActivityNet Captions.

    Raises:
        ForeignFile: There is such a file that was not written here.
    """
    listed: dict[str, list] = {}
    for one in results:
        rows = listed.setdefault(_video(one), [])
        for segment, text, score in zip(one["segments"], one["said"], one["scores"]):
            row = dict(sentence=text, timestamp=segment.tolist(), score=float(score))
            rows.append(row)
    _write(dict(version="VERSION 1.0", results=listed, external_data={}), path)


def _write(content: object, path: str | Path) -> None:
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_own(path, json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n")


def _video(one: Mapping) -> str:
    return one["video"] or Path(one["name"]).stem


def _where(sample: Mapping, whose: str) -> str:
    return f"{whose}: {sample.get('filename', 'a data sample')}"


def _required(sample: Mapping, field: str, where: str):
    value = sample.get(field)
    if value is None:
        raise ValueError(f"{where} has no {field}: {ADVICE[field]}")
    return value


def _texts(values: Sequence, where: str) -> list[str]:
    if isinstance(values, str) or not all(isinstance(one, str) for one in values):
        raise ValueError(f"{where} must be texts, got {values!r}"[:300])
    return list(values)


def _segments(values: object, count: int, where: str) -> np.ndarray:
    segments = _array(values)
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


def _array(values: object) -> np.ndarray:
    values = np.asarray(values) if isinstance(values, (list, tuple)) else values
    return torch.as_tensor(values).detach().cpu().double().numpy()
