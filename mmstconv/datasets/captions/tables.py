"""Our own table of sentences."""

from __future__ import annotations

from ..annotation import read_text, shown
from ..events.csv_text import named_columns, read_table
from ..events.film import number_of
from .annotation import CaptionAnnotation, caption_format
from .captioned import CaptionedFilms


@caption_format("csv")
def read_csv(path: str) -> CaptionAnnotation:
    """A table ``file,start,end,text``, a row for each sentence.

    Start and end, in seconds of the film, may be left out, as columns or in a row: the
    sentence is of the whole file then. A text with commas, quotes or line breaks stands
    in quotes, where a quote is doubled. A sentence that is said twice of a file is a
    mistake.
    """
    timed = named_columns(read_text(path)) & {"start", "end"}
    columns = ["file", "start", "end", "text"] if timed else ["file", "text"]
    mistakes: list[str] = []
    films = CaptionedFilms()
    for where, row in read_table(path, columns, ",", mistakes):
        segment, wrong = segment_of(row.get("start", ""), row.get("end", ""))
        if not row["file"]:
            wrong = ["names no file", *wrong]
        mistakes += [f"{where}: {reason}" for reason in wrong]
        if not wrong:
            films.add(row["file"], row["text"], where, segment)
    return CaptionAnnotation(films.listed(), mistakes, distinct=True)


def segment_of(start: str, end: str) -> tuple[tuple[float, float] | None, list[str]]:
    """A segment from two texts, both empty or both numbers; and what is wrong."""
    if not start and not end:
        return None, []
    edges = dict(start=number_of(start), end=number_of(end))
    texts = dict(start=start, end=end)
    wrong = [
        f"{name} {shown(texts[name])} is not a number of seconds"
        for name, edge in edges.items()
        if edge is None
    ]
    return (None if wrong else (edges["start"], edges["end"])), wrong
