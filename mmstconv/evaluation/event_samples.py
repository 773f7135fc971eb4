"""Events of data samples as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from .detection import Events, join_events

#: What a data sample without such a field has to do.
ADVICE = dict(
    pred_instances="the head must be one that detects events (model.cls_head)",
    gt_instances="the pipeline must pack it (keys of PackFilmSteps)",
)


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
    name = str(sample.get("filename", "a data sample"))
    where = f"{whose}: {name}"
    if sample.get("pred_instances") is None:
        raise ValueError(f"{where} has no pred_instances: {ADVICE['pred_instances']}")
    truth = sample.get("gt_instances")
    subsets = sample.get("subset_instances") or {}
    return dict(
        name=name,
        video=str(sample.get("video_id") or ""),
        failed="failure" in sample,
        truth=None if truth is None else _table(truth, times, f"{where}: gt_instances"),
        found=_table(sample["pred_instances"], times, f"{where}: pred_instances", True),
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


def names_of_subsets(results: Sequence[Mapping], whose: str) -> tuple[str, ...]:
    """Of all samples.

    Raises:
        ValueError: They have not the same.
    """
    names = tuple(results[0]["subsets"])
    for one in results:
        if set(one["subsets"]) != set(names):
            raise ValueError(
                f"{whose}: {one['name']} has subset_instances of "
                f"{sorted(one['subsets'])}, {results[0]['name']} of {sorted(names)}: "
                "expected the same subsets of every file"
            )
    return names


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
        fields[field] = torch.as_tensor(value).detach().cpu().double().numpy()
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
