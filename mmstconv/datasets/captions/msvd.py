"""MSVD, also called YouTube2Text."""

from __future__ import annotations

from ..annotation import LINE_END, AnnotationError, read_text, shown
from ..events.csv_text import named_columns, read_table
from ..events.json_text import Mistakes, read_json, shown_value
from .annotation import CaptionAnnotation, caption_format
from .captioned import CaptionedFilms
from .msrvtt import id_of

COLUMNS = ("VideoID", "Start", "End", "Language", "Description")


@caption_format("msvd")
def read_msvd(path: str, language: str = "English") -> CaptionAnnotation:
    """MSVD as text, table or JSON, told apart by what the file begins with.

    - ``AllVideoDescriptions.txt``: ``ID_start_end sentence`` a line; lines that begin
      with ``#`` are comments.
    - The corpus as a table: ``VideoID,Start,End,...,Language,Description``; a file is
      named ``VideoID_Start_End``, and sentences of other languages are left out.
    - JSON, ``{name: [sentence, ...]}`` or ``{"sentences": [{"video_id", "caption"}]}``.

    Files are cut clips. Which of them are of a subset is said by other files; give one
    annotation for each (Chen and Dolan, ACL 2011).

    Args:
        path: Of the file.
        language: Of the table: the sentences to read.
    """
    text = read_text(path).lstrip()
    if text.startswith(("{", "[")):
        return _of_json(path)
    if "VideoID" in named_columns(text):
        return _of_table(path, language)
    return _of_lines(path)


def _of_lines(path: str) -> CaptionAnnotation:
    mistakes: list[str] = []
    films = CaptionedFilms()
    for number, line in enumerate(LINE_END.split(read_text(path)), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        name, *rest = line.split(maxsplit=1)
        if name.count("_") < 2:
            mistakes.append(
                f"{path}:{number}: must be 'ID_start_end sentence', got {shown(line)}"
            )
        else:
            films.add(name, rest[0] if rest else "", f"{path}:{number}")
    return CaptionAnnotation(films.listed(), mistakes)


def _of_table(path: str, language: str) -> CaptionAnnotation:
    mistakes: list[str] = []
    films = CaptionedFilms()
    languages: set[str] = set()
    for where, row in read_table(path, COLUMNS, ",", mistakes):
        languages.add(row["Language"])
        if row["Language"] != language:
            continue
        if not row["VideoID"]:
            mistakes.append(f"{where}: names no video")
            continue
        name = "_".join(row[column] for column in COLUMNS[:3])
        films.add(name, row["Description"], where)
    if languages and language not in languages:
        raise AnnotationError(
            [
                f"{path}: no sentence is in {language!r}; there are "
                f"{', '.join(map(repr, sorted(languages)))}"
            ]
        )
    return CaptionAnnotation(films.listed(), mistakes)


def _of_json(path: str) -> CaptionAnnotation:
    mistakes = Mistakes(path)
    content = read_json(path, mistakes)
    films = CaptionedFilms()
    if isinstance(content, dict) and isinstance(content.get("sentences"), list):
        for index, one in enumerate(content["sentences"]):
            at = f"sentences[{index}]"
            name = id_of(one, mistakes, at)
            text = None if name is None else mistakes.typed(one, "caption", str, at)
            if text is not None:
                films.add(name, text, f"{path}: {at}")
        return CaptionAnnotation(films.listed(), mistakes)
    if not isinstance(content, dict):
        mistakes.note("", "must be an object of lists of sentences by video")
        content = {}
    for name, listed in content.items():
        if not isinstance(listed, list) or not listed:
            what = shown_value(listed)
            mistakes.note(name, f"must be a list of sentences, got {what}")
            continue
        for index, text in enumerate(listed):
            at = f"{name}[{index}]"
            if isinstance(text, str):
                films.add(name, text, f"{path}: {at}")
            else:
                mistakes.note(at, f"must be a text, got {shown_value(text)}")
    return CaptionAnnotation(films.listed(), mistakes)
