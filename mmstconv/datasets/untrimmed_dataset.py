"""Untrimmed videos with the events in them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import torch
from mmaction.registry import DATASETS
from mmengine.dataset import BaseDataset
from mmengine.structures import InstanceData

from ..private_names import metainfo_of
from .class_names import find_class_names
from .events import EventAnnotation, Film
from .events.annotation import parse_events
from .film_dataset import FilmDataset


@DATASETS.register_module()
class UntrimmedVideoDataset(FilmDataset):
    """Untrimmed videos and what happens in them, from published annotation formats.

    A sample has ``filename``, ``video_id``, ``duration`` (seconds, where the annotation
    says it) and ``gt_instances``: an ``InstanceData`` with ``labels``, int64 ``(K,)``,
    and ``segments``, float32 ``(K, 2)``, of K events, or ``times``, ``(K,)``, where
    events are instants; all in seconds of the film, whatever clips the pipeline takes.
    ``PackActionInputs(algorithm_keys=['gt_instances'])`` keeps them. Films without
    events stay: that nothing happens is also to be learnt.

    The classes are ``metainfo['classes']`` (names, or a file of one a line); without
    it those in ``classes.txt`` beside the annotation; without that the numbered
    classes of the annotation, or all its labels (of every subset) in sorted order. They
    travel with checkpoints.

    Args:
        ann_file: The annotation.
        format: Of the annotation, a key of ``mmstconv.datasets.events.EVENT_FORMATS``:
            ``'activitynet'``, ``'thumos14'``, ``'unav100'``, ``'mmaction2'``,
            ``'epic_kitchens'``, ``'epic_sounds'``, ``'ave'``, ``'csv'``; of instants
            ``'soccernet'``, ``'e2e_spot'``, ``'csv'``.
        subset: Films of this subset, or of these; None: all.
        data_prefix: ``dict(video=folder)`` of the files.
        allow_overlap: Whether events of a film may overlap.
        mend: Whether to leave out events that are there twice, or end where or before
            they start, and to cut off what reaches beyond the duration (all of an event
            that begins there), as published files need it. A film of which nothing is
            left then is left out.
        ignore_labels: Events of these labels are left out.
        format_options: Arguments of the format's reader.
        **kwargs: Of :class:`FilmDataset`.
    """

    def __init__(
        self,
        ann_file: str,
        format: str = "activitynet",
        subset: str | Sequence[str] | None = None,
        data_prefix: Mapping[str, str] | None = None,
        *,
        allow_overlap: bool = True,
        mend: bool = False,
        ignore_labels: Collection[str] = (),
        format_options: Mapping | None = None,
        **kwargs,
    ) -> None:
        self._reading = dict(
            format=format,
            subset=subset,
            allow_overlap=allow_overlap,
            mend=mend,
            ignore_labels=ignore_labels,
            options=format_options,
        )
        super().__init__(ann_file, data_prefix, **kwargs)

    def read(self) -> EventAnnotation:
        """The annotation; its classes become those of the data set."""
        named = metainfo_of(self).get("classes")
        classes = find_class_names(named, self.ann_file, None)
        found = parse_events(self.ann_file, classes=classes, **self._reading)
        metainfo_of(self)["classes"] = found.classes
        return found

    def infos(self, found: EventAnnotation, paths: list[str]) -> list[dict]:
        """A sample for each film."""
        numbers = {name: k for k, name in enumerate(found.classes)}
        return [
            _info(film, path, numbers, found.instants)
            for film, path in zip(found.films, paths)
        ]

    def get_data_info(self, idx: int) -> dict:
        """A sample's information, its events as ``gt_instances``."""
        info = super().get_data_info(idx)
        times, labels = info.pop("event_times"), info.pop("event_labels")
        shape, name = (
            ((-1, 2), "segments") if not info.pop("instants") else (-1, "times")
        )
        fields = {name: torch.tensor(times, dtype=torch.float32).reshape(shape)}
        labels = torch.tensor(labels, dtype=torch.long)
        info["gt_instances"] = InstanceData(labels=labels, **fields)
        return info

    def get_cat_ids(self, idx: int) -> list[int]:
        """The classes of a film's events, as ``ClassBalancedDataset`` counts them."""
        return sorted(set(BaseDataset.get_data_info(self, idx)["event_labels"]))


def _info(film: Film, path: str, numbers: Mapping[str, int], instants: bool) -> dict:
    """What is kept of a film, in plain values."""
    labels = [
        event.label if isinstance(event.label, int) else numbers[event.label]
        for event in film.events
    ]
    times = [e.start if instants else (e.start, e.end) for e in film.events]
    info = dict(
        filename=path,
        video_id=film.id,
        event_times=times,
        event_labels=labels,
        instants=instants,
    )
    return info if film.duration is None else dict(info, duration=film.duration)
