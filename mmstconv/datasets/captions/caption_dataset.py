"""Films with the sentences that were said of them."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence

import torch
from mmaction.registry import DATASETS
from mmengine.dataset import BaseDataset

from ..events import Film
from ..film_dataset import FilmDataset
from .annotation import CaptionAnnotation, parse_captions
from .captioned import CaptionedFilm, Sentence
from .checks import as_film


@DATASETS.register_module()
class CaptionDataset(FilmDataset):
    """Films, or parts of films, and sentences of them, from published formats.

    A sample is a segment of a film, or a file where the format has no times: it has
    ``filename``, ``video_id``, ``gt_captions`` (a list of all sentences said of it)
    and, with times, ``segment`` ``(start, end)`` in seconds of the film. With ``dense``
    a sample is a film: ``gt_segments``, float32 ``(K, 2)``, ``gt_segment_captions``, a
    list of K lists of sentences, and ``gt_segment_sources``, int64 ``(K,)``, the number
    of the annotation file that a segment is from. ``duration`` is in seconds, where the
    annotation says it.

    Args:
        ann_file: The annotation.
        format: Of the annotation: ``'csv'`` (``file,start,end,text``), ``'msrvtt'``,
            ``'msvd'``, ``'activitynet_captions'``, ``'clotho'`` or ``'audiocaps'``.
        subset: Films of this subset, or of these; None: all.
        dense: Whether a sample is a film with all its segments.
        more_ann_files: Further annotations of the same format, whose sentences are
            references as well: ActivityNet's ``val_2.json``. Looked for beside
            ``ann_file``. One may stand without a list.
        data_prefix: ``dict(video=folder)`` of the files.
        mend: Whether to leave out empty sentences and segments without length, and to
            cut off what reaches beyond the duration, as published files need it; a
            film that has no sentence then is left out.
        format_options: Arguments of the format's reader.
        **kwargs: Of :class:`~mmstconv.datasets.film_dataset.FilmDataset`.

    Raises:
        ValueError: ``dense`` of sentences without times; there is no such format or
            subset.
    """

    def __init__(
        self,
        ann_file: str,
        format: str = "csv",
        subset: str | Collection[str] | None = None,
        dense: bool = False,
        data_prefix: Mapping[str, str] | None = None,
        *,
        more_ann_files: str | Sequence[str] = (),
        mend: bool = False,
        format_options: Mapping | None = None,
        **kwargs,
    ) -> None:
        self.dense = dense
        one = isinstance(more_ann_files, str)
        self.more_ann_files = (more_ann_files,) if one else tuple(more_ann_files)
        self._reading = dict(
            format=format, subset=subset, mend=mend, options=format_options
        )
        super().__init__(ann_file, data_prefix, **kwargs)

    def read(self) -> CaptionAnnotation:
        """The annotation and further ones beside it."""
        beside = os.path.dirname(self.ann_file)
        more = [os.path.join(beside, name) for name in self.more_ann_files]
        return parse_captions(self.ann_file, more=more, **self._reading)

    def infos(self, found: CaptionAnnotation, paths: list[str]) -> list[dict]:
        """A sample for each segment, or with ``dense`` for each film."""
        make = _dense_info if self.dense else _infos
        return [info for pair in zip(found.films, paths) for info in make(*pair)]

    def timed(self, film: CaptionedFilm) -> Film:
        """A film with those of its sentences that have times."""
        return as_film(film, [one for one in film.sentences if one.segment])

    def get_data_info(self, idx: int) -> dict:
        """A sample's information; with ``dense`` its segments as tensors."""
        info = super().get_data_info(idx)
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
