"""Plain tables of events, and AVE's."""

from __future__ import annotations

from ..annotation import LINE_END, AnnotationError, read_text, shown
from .annotation import EventAnnotation, event_format
from .csv_text import named_columns, read_table
from .film import Event, number_of
from .films_of_rows import Films, labels_of

AVE_SECONDS = 10.0  # of every clip
AVE_COLUMNS = ("Category", "VideoID", "Quality", "StartTime", "EndTime")


@event_format("csv")
def read_csv(path: str) -> EventAnnotation:
    """A table ``file,start,end,label``, or ``file,time,label`` of instants.

    Times are in seconds. A row with nothing but a file names a film without events.
    """
    timed = "time" in named_columns(read_text(path))
    times = ("time",) if timed else ("start", "end")
    mistakes: list[str] = []
    films = Films()
    for where, row in read_table(path, ["file", *times, "label"], ",", mistakes):
        if not row["file"]:
            mistakes.append(f"{where}: names no file")
        elif not any(row[name] for name in (*times, "label")):
            films.add(row["file"], None, where)
        else:
            edges = _edges(row, times, where, mistakes)
            if edges is not None:
                event = Event(edges[0], edges[-1], row["label"], where)
                films.add(row["file"], event, where)
    found = films.listed()
    return EventAnnotation(found, labels_of(found), mistakes, times == ("time",))


@event_format("ave")
def read_ave(path: str) -> EventAnnotation:
    """AVE's ``Annotations.txt``: ``Category&VideoID&Quality&StartTime&EndTime``.

    Clips last 10 seconds; times are whole seconds. The lists of its subsets
    (``trainSet.txt`` and so on) have the same form, without the first line (Tian et
    al., ECCV 2018).
    """
    text = read_text(path)
    headed = text.lstrip().startswith("&".join(AVE_COLUMNS[:2]))
    mistakes: list[str] = []
    films = Films()
    if headed:
        rows = read_table(path, AVE_COLUMNS, "&", mistakes)
    else:
        rows = _without_header(path, text, mistakes)
    for where, row in rows:
        edges = _edges(row, ("StartTime", "EndTime"), where, mistakes)
        if not row["VideoID"]:
            mistakes.append(f"{where}: names no video")
        elif edges is not None:
            event = Event(*edges, row["Category"], where)
            films.add(row["VideoID"], event, where, AVE_SECONDS)
    found = films.listed()
    return EventAnnotation(found, labels_of(found), mistakes)


def _without_header(path: str, text: str, mistakes: list[str]):
    """Rows of AVE's lists of subsets."""
    lines = [(k, line.strip()) for k, line in enumerate(LINE_END.split(text), 1)]
    lines = [(k, line) for k, line in lines if line]
    if not lines:
        raise AnnotationError([f"{path}: is empty"])
    for number, line in lines:
        cells = [cell.strip() for cell in line.split("&")]
        if len(cells) == len(AVE_COLUMNS):
            yield f"{path}:{number}", dict(zip(AVE_COLUMNS, cells))
        else:
            mistakes.append(
                f"{path}:{number}: must be {'&'.join(AVE_COLUMNS)}, got {shown(line)}"
            )


def _edges(row: dict, names: tuple, where: str, mistakes: list[str]) -> list | None:
    """Times of an event; None, and mistakes, if one is no number."""
    edges = [number_of(row[name]) for name in names]
    mistakes += [
        f"{where}: {name} {shown(row[name])} is not a number of seconds"
        for name, edge in zip(names, edges)
        if edge is None
    ]
    return None if None in edges else edges
