"""Events of data samples as plain arrays, and as a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .detection import Events, join_events
from .sample_fields import as_numbers, name_of, names_of_videos, required

ADVICE = "the head must be one that detects events (model.cls_head)"


def read_events(sample: Mapping, times: str, whose: str) -> dict:
    """Truth and detections of one data sample; plain values, to be gathered.

    Args:
        sample: With ``gt_instances`` (None or not there: not labelled),
            ``pred_instances`` and perhaps ``subset_instances``.
        times: Their field with the times: ``segments`` ``(K, 2)`` or ``times``
            ``(K,)``, seconds.
        whose: Name of the metric, for messages.

    Returns:
        ``name``, ``failed``, ``truth`` (None if not labelled), ``found`` and
        ``subsets`` ``{name: found}``; events are dicts of ``times``, ``labels`` and,
        of found ones, ``scores``.

    Raises:
        ValueError: Something is missing, or not of its shape, or no finite number.
    """
    name = name_of(sample)
    where = f"{whose}: {name}"
    found = required(sample, "pred_instances", whose, ADVICE)
    truth = sample.get("gt_instances")
    subsets = sample.get("subset_instances") or {}
    return dict(
        name=name,
        video=str(sample.get("video_id") or ""),
        failed="failure" in sample,
        truth=None if truth is None else _table(truth, times, f"{where}: gt_instances"),
        found=_table(found, times, f"{where}: pred_instances", True),
        subsets={
            subset: _table(one, times, f"{where}: subset_instances[{subset!r}]", True)
            for subset, one in subsets.items()
        },
    )


def true_events(results: Sequence[Mapping]) -> Events:
    """The truth of all videos in one table."""
    return _joined([one["truth"] for one in results])


def found_events(results: Sequence[Mapping], subset: str | None = None) -> Events:
    """The detections of all videos in one table; None: those of all modalities."""
    return _joined(
        [one["found"] if subset is None else one["subsets"][subset] for one in results]
    )


def activitynet_detections(
    results: Sequence[Mapping], names: Sequence[str] | None
) -> dict:
    """The detections as ActivityNet's result file: version, results, external_data.

    An instant is a segment that starts when it ends. Videos are called as
    :func:`~.sample_fields.names_of_videos` has it.
    """
    listed: dict[str, list] = {}
    for video, one in zip(names_of_videos(results), results):
        events = listed.setdefault(video, [])
        found = one["found"]
        for times, label, score in zip(
            found["times"], found["labels"], found["scores"]
        ):
            name = str(names[label]) if names else str(label)
            segment = np.broadcast_to(times, 2).tolist()
            events.append(dict(score=float(score), segment=segment, label=name))
    return dict(version="VERSION 1.3", results=listed, external_data={})


def _joined(tables: Sequence[Mapping]) -> Events:
    scored = "scores" in tables[0]
    return join_events(
        [one["times"] for one in tables],
        [one["labels"] for one in tables],
        [one["scores"] for one in tables] if scored else None,
    )


def _table(instances: object, times: str, where: str, scored: bool = False) -> dict:
    """Arrays of an ``InstanceData``, or of the dict that it becomes."""
    fields = {}
    for field in (times, "labels", *(["scores"] if scored else [])):
        value = instances.get(field)
        if value is None:
            raise ValueError(f"{where} has no {field}")
        fields[field] = as_numbers(value)
    count = fields["labels"].size
    shapes = {
        times: (count, 2) if times == "segments" else (count,),
        "scores": (count,),
    }
    for field, value in fields.items():
        expected = shapes.get(field, (count,))
        if value.shape != expected and value.size + count:
            raise ValueError(
                f"{where}: {field} of shape {value.shape}, expected {expected} beside "
                f"{count} labels"
            )
        if not np.isfinite(value).all():
            raise ValueError(f"{where}: {field} are not all finite numbers")
        fields[field] = value.reshape(expected)
    _check_order(fields[times], times, where)
    table = dict(times=fields[times], labels=fields["labels"].astype(np.int64))
    return {**table, **({"scores": fields["scores"]} if scored else {})}


def _check_order(values: np.ndarray, times: str, where: str) -> None:
    if times != "segments":
        return
    wrong = values[values[:, 1] < values[:, 0]]
    if len(wrong):
        raise ValueError(f"{where}: a segment ends before its start: {wrong[0]} s")
