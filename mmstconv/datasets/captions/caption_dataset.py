"""Films with the sentences that were said of them."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence

import torch
from mmaction.registry import DATASETS
from mmengine.dataset import BaseDataset

from ...disk import REMOTE_ADVICE, is_remote
from ..annotation import AnnotationError, listed
from ..film_lengths import length_problems
from ..tolerant_dataset import TolerantDataset
from ..untrimmed_files import FileFinder
from .annotation import parse_captions
from .captioned import CaptionedFilm, Sentence
from .checks import as_film


@DATASETS.register_module()
class CaptionDataset(TolerantDataset):
    """Films, or parts of films, and sentences of them, from published formats.

    A sample is a segment of a film, or a file where the format has no times: it has
    ``filename``, ``video_id``, ``gt_captions`` (a list of all sentences said of it)
    and, with times, ``segment`` ``(start, end)`` in seconds of the film. With ``dense``
    a sample is a film: ``gt_segments``, float32 ``(K, 2)``, ``gt_segment_captions``, a
    list of K lists of sentences, and ``gt_segment_sources``, int64 ``(K,)``, the number
    of the annotation file that a segment is from. ``duration`` is in seconds, where the
    annotation says it.

    Everything that is wrong with the annotation is reported at once, with file and line
    or key, and so are files that do not exist. Bad files are met as in
    :class:`~mmstconv.datasets.MultiModalVideoDataset`.

    Args:
        ann_file: The annotation.
        format: Of the annotation: ``'csv'`` (``file,start,end,text``), ``'msrvtt'``,
            ``'msvd'``, ``'activitynet_captions'``, ``'clotho'`` or ``'audiocaps'``.
        subset: Films of this subset, or of these; None: all.
        dense: Whether a sample is a film with all its segments.
        more_ann_files: Further annotations of the same format, whose sentences are
            references as well: ActivityNet's ``val_2.json``. Looked for beside
            ``ann_file``.
        data_prefix: ``dict(video=folder)`` of the files.
        filename_tmpl: Name of a file by ``{}``, the film's name in the annotation. A
            suffix is found by itself.
        mend: Whether to leave out empty sentences and segments without length, and to
            cut off what reaches beyond the duration, as published files need it.
        format_options: Arguments of the format's reader.
        check_files: Whether every file has to exist.
        check_lengths: Whether to open every file, and compare segments with its end.
        allow_outside: Whether the annotation may name files outside of the folder.
        **kwargs: See MMEngine's ``BaseDataset``.

    Raises:
        ValueError: ``dense`` of sentences without times; there is no such format or
            subset.
        AnnotationError: Something in the annotation cannot be used, or a file's
            segments reach beyond its end; missing files are listed with it.
        FileNotFoundError: The annotation or files do not exist.
    """

    def __init__(
        self,
        ann_file: str,
        format: str = "csv",
        subset: str | Collection[str] | None = None,
        dense: bool = False,
        data_prefix: Mapping[str, str] | None = None,
        *,
        more_ann_files: Sequence[str] = (),
        filename_tmpl: str = "{}",
        mend: bool = False,
        format_options: Mapping | None = None,
        check_files: bool = True,
        check_lengths: bool = False,
        allow_outside: bool = False,
        **kwargs,
    ) -> None:
        if "{" not in filename_tmpl:
            raise ValueError(f"filename_tmpl must have a {{}}, got {filename_tmpl!r}")
        self.dense = dense
        self.more_ann_files = tuple(more_ann_files)
        self.filename_tmpl = filename_tmpl
        self.check_files, self.check_lengths = check_files, check_lengths
        self.allow_outside = allow_outside
        self._reading = dict(
            format=format, subset=subset, mend=mend, options=format_options
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
        beside = os.path.dirname(self.ann_file)
        more = [os.path.join(beside, name) for name in self.more_ann_files]
        found = parse_captions(self.ann_file, more=more, **self._reading)
        problems, missing = list(found.problems), []
        finder, paths = FileFinder(folder), []
        for film in found.films:
            wrong, path = finder.locate(
                self.filename_tmpl.format(film.name),
                film.where,
                missing,
                check=self.check_files,
                allow_outside=self.allow_outside,
            )
            problems += wrong
            paths.append(path)
        if missing and folder and not os.path.isdir(folder):
            missing = [f"{self.ann_file}: the folder {folder} does not exist"]
        if problems:
            raise AnnotationError(problems + missing)
        if missing:
            raise FileNotFoundError(
                f"{len(missing)} of {len(found.films)} media files not found\n"
                + listed(missing)
            )
        if self.check_lengths and (problems := _beyond(found.films, paths)):
            raise AnnotationError(problems)
        make = _dense_info if self.dense else _infos
        return [info for pair in zip(found.films, paths) for info in make(*pair)]

    def get_data_info(self, idx: int) -> dict:
        """A sample's information; with ``dense`` its segments as tensors."""
        info = super().get_data_info(idx)
        info.update(modality="RGB", start_index=0)  # MMAction2's transforms ask
        if self.dense:
            times, sources = info["gt_segments"], info["gt_segment_sources"]
            info["gt_segments"] = torch.tensor(times, dtype=torch.float32)
            info["gt_segment_sources"] = torch.tensor(sources, dtype=torch.long)
        return info

    def sentences(self) -> list[str]:
        """All sentences of the data set, in order: what a vocabulary is made of."""
        name = "gt_segment_captions" if self.dense else "gt_captions"
        found: list[str] = []
        for index in range(len(self)):
            captions = BaseDataset.get_data_info(self, index)[name]
            for one in captions:
                found += one if self.dense else [one]
        return found


def _beyond(films: Sequence[CaptionedFilm], paths: Sequence[str]) -> list[str]:
    """Segments that end after the files do."""
    return length_problems(
        (as_film(film, [one for one in film.sentences if one.segment]), path)
        for film, path in zip(films, paths)
    )


def _by_segment(film: CaptionedFilm, *, apart: bool) -> dict[tuple, list[Sentence]]:
    """Sentences by segment; with ``apart`` those of each annotation file alone."""
    groups: dict[tuple, list[Sentence]] = {}
    for one in film.sentences:
        key = (one.segment, one.source if apart else 0)
        groups.setdefault(key, []).append(one)
    return groups


def _base(film: CaptionedFilm, path: str) -> dict:
    info = dict(filename=path, video_id=film.id)
    return info if film.duration is None else dict(info, duration=film.duration)


def _infos(film: CaptionedFilm, path: str) -> list[dict]:
    """A sample for each segment, in plain values."""
    infos = []
    for (segment, _), sentences in _by_segment(film, apart=False).items():
        info = dict(_base(film, path), gt_captions=[one.text for one in sentences])
        infos.append(info if segment is None else dict(info, segment=segment))
    return infos


def _dense_info(film: CaptionedFilm, path: str) -> list[dict]:
    """The sample of a film, in plain values."""
    groups = _by_segment(film, apart=True)
    for (segment, _), sentences in groups.items():
        if segment is None:
            raise ValueError(
                f"{sentences[0].where}: has no start and end, but dense=True is for "
                "sentences of segments"
            )
    return [
        dict(
            _base(film, path),
            gt_segments=[segment for segment, _ in groups],
            gt_segment_sources=[source for _, source in groups],
            gt_segment_captions=[[s.text for s in one] for one in groups.values()],
        )
    ]
