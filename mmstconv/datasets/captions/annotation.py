"""Annotation files of captions, by the name of their format, read strictly."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from ..annotation import AnnotationError, say_left_out
from ..formats import Formats
from .captioned import CaptionedFilm
from .checks import mended, sentence_problems


class CaptionAnnotation(NamedTuple):
    """What an annotation file says.

    Args:
        films: In the order of the file.
        problems: ``file:line: reason`` or ``file: key: reason`` each.
        subsets: The subset of each film; None if the format has none.
        distinct: Whether a sentence that is there twice is a mistake.
    """

    films: list[CaptionedFilm]
    problems: list[str]
    subsets: list[str] | None = None
    distinct: bool = False


CAPTION_FORMATS = Formats()
caption_format = CAPTION_FORMATS.named


def parse_captions(
    path: str,
    format: str = "csv",
    subset: str | Collection[str] | None = None,
    *,
    more: Sequence[str] = (),
    mend: bool = False,
    options: Mapping | None = None,
) -> CaptionAnnotation:
    """An annotation file, with what is wrong in it.

    Args:
        path: Of the file.
        format: A key of ``CAPTION_FORMATS``.
        subset: Films of these subsets only; None: all.
        more: Further files of the same format, whose sentences are further references.
        mend: Whether to leave out empty sentences, segments that end where or before
            they start, and, where the format may not have them, sentences that are
            there twice; and to cut off what reaches beyond the duration. A film that
            has no sentence then is left out, and a warning names it.
        options: Of the reader.

    Raises:
        ValueError: There is no such format, or it has no subsets.
        FileNotFoundError: There is no such file.
        AnnotationError: It is of another kind.
    """
    problems, films, lost = [], {}, []
    for source, one in enumerate([path, *more]):
        found = CAPTION_FORMATS.read(one, format, subset, options)
        problems += found.problems
        for film in found.films:
            if mend:
                film = mended(film, found.distinct)
                if not film.sentences:
                    lost.append(film.where)
                    continue
            problems += sentence_problems(film, found.distinct)
            marked = [each._replace(source=source) for each in film.sentences]
            if film.id in films:
                films[film.id].sentences.extend(marked)
            else:
                films[film.id] = film._replace(sentences=marked)
    say_left_out(path, lost, bool(films), problems, "sentence")
    return CaptionAnnotation(list(films.values()), problems)


def read_captions(path: str, *args, **kwargs) -> list[CaptionedFilm]:
    """The films of :func:`parse_captions`; what is wrong is an error.

    Raises:
        AnnotationError: Something in the file cannot be used; lists it all.
    """
    found = parse_captions(path, *args, **kwargs)
    if found.problems:
        raise AnnotationError(found.problems)
    return found.films
