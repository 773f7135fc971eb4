"""Timed sentences as subtitles: SRT, WebVTT and JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path

from ..disk import write_own

Timed = tuple[float, float, str]
SRT_MARKS = str.maketrans({"<": "<\u2060", "{": "(", "}": ")"})


def write_subtitles(captions: Iterable[Timed], path: str | Path) -> None:
    """Writes ``(start, end, text)`` as ``.srt``, ``.vtt`` or ``.json``, by the suffix.

    Args:
        captions: In seconds of the film; may overlap. They are written in the order of
            their starts.
        path: Of the file; its folder is made.

    Raises:
        ValueError: The suffix is none of these; a time is no finite number, below 0, or
            a caption ends before it starts.
        ForeignFile: There is such a file that was not written here.
    """
    path = Path(path)
    form = FORMATS.get(path.suffix.lower())
    if form is None:
        raise ValueError(
            f"{path}: subtitles end with {', '.join(FORMATS)}, got {path.suffix!r}"
        )
    text = form(captions)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_own(path, text)


def to_srt(captions: Iterable[Timed]) -> str:
    """SubRip: numbered, ``hh:mm:ss,mmm``, a blank line after each.

    Players take ``<b>`` and ``{...}`` for markup, and the format knows no escape: a
    word joiner, which is not seen, follows each ``<``; braces become parentheses.
    """
    blocks = []
    for number, (start, end, text) in enumerate(_checked(captions), 1):
        times = f"{_clock(start, ',')} --> {_clock(end, ',')}"
        text = text.translate(SRT_MARKS)
        blocks.append(f"{number}\n{times}\n{text}\n")
    return "\n".join(blocks)


def to_vtt(captions: Iterable[Timed]) -> str:
    """WebVTT: ``hh:mm:ss.mmm``; ``&``, ``<`` and ``>`` as entities."""
    blocks = ["WEBVTT\n"]
    for start, end, text in _checked(captions):
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        blocks.append(f"{_clock(start, '.')} --> {_clock(end, '.')}\n{text}\n")
    return "\n".join(blocks)


def to_json(captions: Iterable[Timed]) -> str:
    """``[{"start": s, "end": s, "text": text}]``, texts as they are."""
    rows = [dict(start=s, end=e, text=text) for s, e, text in _in_order(captions)]
    return json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


FORMATS: dict[str, Callable[[Iterable[Timed]], str]] = {
    ".srt": to_srt,
    ".vtt": to_vtt,
    ".json": to_json,
}


def _in_order(captions: Iterable[Timed]) -> list[Timed]:
    """Checked, by start and end."""
    found = []
    for start, end, text in captions:
        start, end = float(start), float(end)
        if not (math.isfinite(start) and math.isfinite(end) and 0 <= start <= end):
            raise ValueError(
                f"a caption is from a start of at least 0 s to an end not before it, "
                f"got {start:g} to {end:g} s: {text!r}"
            )
        found.append((start, end, str(text)))
    return sorted(found, key=lambda one: one[:2])


def _checked(captions: Iterable[Timed]) -> list[Timed]:
    """What a player can show: no blank line within a text, and a text at all."""
    found = []
    for start, end, text in _in_order(captions):
        lines = [" ".join(line.split()) for line in text.splitlines()]
        text = "\n".join(line for line in lines if line).replace("-->", "->")
        if text:
            found.append((start, end, text))
    return found


def _clock(seconds: float, point: str) -> str:
    """``hh:mm:ss`` and milliseconds; more than 99 hours have more digits."""
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    minutes, second = divmod(whole, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02d}:{minute:02d}:{second:02d}{point}{thousandths:03d}"
