"""Untrimmed videos with the events in them."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence

import torch
from mmaction.registry import DATASETS
from mmengine.dataset import BaseDataset
from mmengine.structures import InstanceData

from ..disk import REMOTE_ADVICE, is_remote
from ..private_names import metainfo_of
from .annotation import AnnotationError, clipped, listed
from .class_names import find_class_names
from .events import EventAnnotation, Film
from .events.annotation import parse_events
from .film_lengths import length_problems
from .tolerant_dataset import TolerantDataset
from .transforms.roles import steps_of
from .untrimmed_files import FileFinder


@DATASETS.register_module()
class UntrimmedVideoDataset(TolerantDataset):
    """Untrimmed videos and what happens in them, from published annotation formats.

    A sample has ``filename``, ``video_id``, ``duration`` (seconds, where the annotation
    says it) and ``gt_instances``: an ``InstanceData`` with ``labels``, int64 ``(K,)``,
    and ``segments``, float32 ``(K, 2)``, of K events, or ``times``, ``(K,)``, where
    events are instants; all in seconds of the film, whatever clips the pipeline takes.
    ``PackActionInputs(algorithm_keys=['gt_instances'])`` keeps them. Films without
    events stay: that nothing happens is also to be learnt.

    Everything that is wrong with the annotation is reported at once, with file and line
    or key, and so are files that do not exist. Bad files are met as in
    :class:`MultiModalVideoDataset`.

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
        filename_tmpl: Name of a file by ``{}``, the film's name in the annotation, such
            as ``'v_{}'``. A suffix is found by itself.
        allow_overlap: Whether events of a film may overlap.
        mend: Whether to leave out events that are there twice or have no length, and to
            cut off what reaches beyond the duration, as published files need it.
        ignore_labels: Events of these labels are left out.
        format_options: Arguments of the format's reader.
        check_files: Whether every file has to exist.
        check_lengths: Whether to open every file, and compare events with its true end.
        allow_outside: Whether the annotation may name files outside of the folder.
        **kwargs: See MMEngine's ``BaseDataset``.

    Raises:
        AnnotationError: Something in the annotation cannot be used, or a file's events
            reach beyond its end; missing files are listed with it.
        FileNotFoundError: The annotation or files do not exist.
    """

    def __init__(
        self,
        ann_file: str,
        format: str = "activitynet",
        subset: str | Sequence[str] | None = None,
        data_prefix: Mapping[str, str] | None = None,
        *,
        filename_tmpl: str = "{}",
        allow_overlap: bool = True,
        mend: bool = False,
        ignore_labels: Collection[str] = (),
        format_options: Mapping | None = None,
        check_files: bool = True,
        check_lengths: bool = False,
        allow_outside: bool = False,
        **kwargs,
    ) -> None:
        if "{" not in filename_tmpl:
            raise ValueError(f"filename_tmpl must have a {{}}, got {filename_tmpl!r}")
        self.filename_tmpl = filename_tmpl
        self.check_files, self.check_lengths = check_files, check_lengths
        self.allow_outside = allow_outside
        self._reading = dict(
            format=format,
            subset=subset,
            allow_overlap=allow_overlap,
            mend=mend,
            ignore_labels=ignore_labels,
            options=format_options,
        )
        prefix = dict(data_prefix or dict(video=""))
        super().__init__(ann_file=ann_file, data_prefix=prefix, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Reads and checks the annotation, and finds the files."""
        folder = self.data_prefix.get("video") or ""
        if is_remote(folder):
            raise ValueError(
                f"{self.ann_file}: data_prefix['video'] = {folder!r} {REMOTE_ADVICE}"
            )
        named = metainfo_of(self).get("classes")
        classes = find_class_names(named, self.ann_file, None)
        found = parse_events(self.ann_file, classes=classes, **self._reading)
        metainfo_of(self)["classes"] = found.classes
        problems, missing = list(found.problems), []
        data, finder, known = [], FileFinder(folder), {}
        numbers = {name: k for k, name in enumerate(found.classes)}
        for film in found.films:
            wrong, path = finder.locate(
                self.filename_tmpl.format(film.name),
                film.where,
                missing,
                check=self.check_files,
                allow_outside=self.allow_outside,
            )
            problems += wrong
            other = known.setdefault(os.path.normpath(path), film) if path else film
            if other is not film:
                problems.append(
                    f"{film.where}: is the file of {other.where}, {clipped(other.name)}"
                    "; name it in one way, else each has a part of its events"
                )
            if path is not None and not problems:
                data.append(_info(film, path, numbers, found.instants))
        if missing and folder and not os.path.isdir(folder):
            missing = [f"{self.ann_file}: the folder {folder} does not exist"]
        self._report(found, problems, missing)
        if self.check_lengths:
            pairs = zip(found.films, (info["filename"] for info in data))
            if problems := length_problems(pairs):
                raise AnnotationError(problems)
        return data

    def get_data_info(self, idx: int) -> dict:
        """A sample's information, its events as ``gt_instances``."""
        info = super().get_data_info(idx)
        times, labels = info.pop("event_times"), info.pop("event_labels")
        shape, name = (
            ((-1, 2), "segments") if not info.pop("instants") else (-1, "times")
        )
        fields = {name: torch.tensor(times, dtype=torch.float32).reshape(shape)}
        labels = torch.tensor(labels, dtype=torch.long)
        info.update(modality="RGB", start_index=0)  # MMAction2's transforms ask
        info["gt_instances"] = InstanceData(labels=labels, **fields)
        return info

    def get_cat_ids(self, idx: int) -> list[int]:
        """The classes of a film's events, as ``ClassBalancedDataset`` counts them."""
        return sorted(set(BaseDataset.get_data_info(self, idx)["event_labels"]))

    def full_init(self) -> None:
        """As MMEngine's; what transforms read beside the files must exist as well."""
        super().full_init()
        if self.check_files:
            for step in steps_of(self):
                if hasattr(step, "check_extracted"):
                    infos = (self.get_data_info(k) for k in range(len(self)))
                    step.check_extracted(infos)

    def _report(
        self, found: EventAnnotation, problems: list[str], missing: list[str]
    ) -> None:
        if problems:
            raise AnnotationError(problems + missing)
        if missing:
            raise FileNotFoundError(
                f"{len(missing)} of {len(found.films)} media files not found\n"
                + listed(missing)
            )


def _info(film: Film, path: str, numbers: Mapping[str, int], instants: bool) -> dict:
    """What is kept of a film, in plain values: loader processes share it as bytes."""
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
