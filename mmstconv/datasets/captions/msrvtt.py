"""MSR-VTT."""

from __future__ import annotations

from ..annotation import shown
from ..events.json_text import Mistakes, read_json, shown_value
from .annotation import CaptionAnnotation, caption_format
from .captioned import CaptionedFilm, Sentence


@caption_format("msrvtt")
def read_msrvtt(path: str) -> CaptionAnnotation:
    """``{"videos": [{"video_id", "split"}], "sentences": [{"video_id", "caption"}]}``.

    Subsets are ``train``, ``validate`` and ``test``. A file is a cut clip, so its
    ``start time`` and ``end time``, which are of the source, are not read (Xu et al.,
    CVPR 2016).
    """
    mistakes = Mistakes(path)
    content = read_json(path, mistakes)
    films: dict[str, CaptionedFilm] = {}
    subsets: list[str] = []
    for index, video in enumerate(mistakes.typed(content, "videos", list, "") or []):
        at = f"videos[{index}]"
        name = id_of(video, mistakes, at)
        if name in films:
            mistakes.note(at, f"{shown(name)} stands at {films[name].where} as well")
        elif name is not None:
            films[name] = CaptionedFilm(name, name, None, [], f"{path}: {at}")
            subsets.append(str(video.get("split", "")))
    listed = mistakes.typed(content, "sentences", list, "") or []
    for index, sentence in enumerate(listed):
        at = f"sentences[{index}]"
        name = id_of(sentence, mistakes, at)
        text = None if name is None else mistakes.typed(sentence, "caption", str, at)
        if name is not None and name not in films:
            mistakes.note(at, f"{shown(name)} is none of the videos")
        elif text is not None:
            found = Sentence(text.strip(), None, f"{path}: {at}")
            films[name].sentences.append(found)
    return CaptionAnnotation(list(films.values()), mistakes, subsets)


def id_of(entry: object, mistakes: Mistakes, at: str) -> str | None:
    """A ``video_id``, which may be a number; None, and a mistake, if there is none."""
    if not isinstance(entry, dict):
        mistakes.note(at, f"must be an object, got {shown_value(entry)}")
        return None
    value = entry.get("video_id")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return mistakes.typed(entry, "video_id", str, at)
