"""Captions of sounds: Clotho and AudioCaps."""

from __future__ import annotations

from ..annotation import shown
from ..events.csv_text import read_table
from ..events.film import number_of
from .annotation import CaptionAnnotation, caption_format
from .captioned import CaptionedFilms

CLOTHO_CAPTIONS = 5
AUDIOCAPS_SECONDS = 10.0
AUDIOCAPS_COLUMNS = ("audiocap_id", "youtube_id", "start_time", "caption")


@caption_format("clotho")
def read_clotho(path: str) -> CaptionAnnotation:
    """Clotho's ``file_name,caption_1,...,caption_5``, five sentences a file.

    A file is a subset (Drossos et al., ICASSP 2020). Names keep their spaces: those of
    three files of v2.1 begin with one.
    """
    names = [f"caption_{k}" for k in range(1, CLOTHO_CAPTIONS + 1)]
    mistakes: list[str] = []
    films = CaptionedFilms()
    seen: dict[str, str] = {}
    columns = ["file_name", *names]
    for where, row in read_table(path, columns, ",", mistakes, whole="file_name"):
        other = seen.setdefault(row["file_name"], where)
        if not row["file_name"].strip():
            mistakes.append(f"{where}: names no file")
        elif other != where:
            mistakes.append(
                f"{where}: {shown(row['file_name'])} stands at {other} as well"
            )
        else:
            for name in names:
                films.add(row["file_name"], row[name], where)
    return CaptionAnnotation(films.listed(), mistakes)


@caption_format("audiocaps")
def read_audiocaps(
    path: str, name: str = "{youtube_id}", cut: bool = True
) -> CaptionAnnotation:
    """AudioCaps' ``audiocap_id,youtube_id,start_time,caption``, a row a sentence.

    A file is a subset (Kim et al., NAACL 2019). Copies in use name the files in their
    own ways, so ``name`` says how.

    Args:
        path: Of the file.
        name: Of a media file, with the columns in braces, such as ``'{audiocap_id}'``
            or ``'Y{youtube_id}_{start_time}'``.
        cut: Whether files are the clips of ten seconds. If not they are the whole
            videos, and a sentence is of the ten seconds from ``start_time`` on.

    Raises:
        ValueError: ``name`` has something else in braces.
    """
    try:
        name.format(**dict.fromkeys(AUDIOCAPS_COLUMNS, ""))
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(
            f"name must have columns of {', '.join(AUDIOCAPS_COLUMNS)} in braces, got "
            f"{name!r} ({error})"
        ) from None
    mistakes: list[str] = []
    films = CaptionedFilms()
    for where, row in read_table(path, AUDIOCAPS_COLUMNS, ",", mistakes):
        start = number_of(row["start_time"])
        if start is None:
            what = shown(row["start_time"])
            mistakes.append(f"{where}: start_time {what} is not a number of seconds")
        if not row["youtube_id"]:
            mistakes.append(f"{where}: names no video")
        elif start is not None:
            segment = None if cut else (start, start + AUDIOCAPS_SECONDS)
            films.add(name.format(**row), row["caption"], where, segment)
    return CaptionAnnotation(films.listed(), mistakes)
