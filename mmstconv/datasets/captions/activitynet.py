"""ActivityNet Captions."""

from __future__ import annotations

from ..events.json_text import Mistakes, read_json, shown_value
from .annotation import CaptionAnnotation, caption_format
from .captioned import CaptionedFilm, Sentence


@caption_format("activitynet_captions")
def read_activitynet_captions(path: str) -> CaptionAnnotation:
    """``{id: {"duration", "timestamps": [[start, end]], "sentences": [text]}}``.

    Times are seconds; sentences have spaces before them, which are dropped. A file is a
    subset; ``val_1.json`` and ``val_2.json`` are two people's answers on the same
    videos, with segments of their own: both are references (Krishna et al., ICCV
    2017). Ids stay whole, with ``v_``.
    """
    mistakes = Mistakes(path)
    database = read_json(path, mistakes)
    if not isinstance(database, dict):
        mistakes.note("", f"must be an object of videos, got {shown_value(database)}")
        database = {}
    films = []
    for name, entry in database.items():
        if not isinstance(entry, dict):
            mistakes.note(name, f"must be an object, got {shown_value(entry)}")
            continue
        duration = mistakes.positive(entry.get("duration"), "'duration'", name)
        sentences = _sentences(entry, mistakes, name)
        if sentences is not None:
            where = f"{path}: {name}"
            films.append(CaptionedFilm(name, name, duration, sentences, where))
    return CaptionAnnotation(films, mistakes)


def _sentences(entry: dict, mistakes: Mistakes, at: str) -> list[Sentence] | None:
    times = mistakes.typed(entry, "timestamps", list, at)
    texts = mistakes.typed(entry, "sentences", list, at)
    if times is None or texts is None:
        return None
    if len(times) != len(texts):
        mistakes.note(at, f"has {len(times)} timestamps and {len(texts)} sentences")
        return None
    found = []
    for index, (segment, text) in enumerate(zip(times, texts)):
        key = f"{at}: timestamps[{index}]"
        edges = [None]
        if isinstance(segment, list) and len(segment) == 2:
            edges = [mistakes.number(value, "an edge", key) for value in segment]
        else:
            mistakes.note(key, f"must be [start, end], got {shown_value(segment)}")
        key = f"{at}: sentences[{index}]"
        if not isinstance(text, str):
            mistakes.note(key, f"must be a text, got {shown_value(text)}")
        elif None not in edges:
            where = f"{mistakes.path}: {key}"
            found.append(Sentence(text.strip(), tuple(edges), where))
    return found
