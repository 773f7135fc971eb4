"""JSON read strictly, its mistakes collected."""

from __future__ import annotations

import json

from ..annotation import AnnotationError, read_text, shown
from .film import number_of


class Mistakes(list):
    """``file: key: reason`` of each mistake found so far.

    Args:
        path: Of the file.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def note(self, key: str, reason: str) -> None:
        """Adds one."""
        self.append(
            f"{self.path}: {key}: {reason}" if key else f"{self.path}: {reason}"
        )

    def typed(self, parent: dict, key: str, kind: type, at: str):
        """``parent[key]`` if it is there and of that kind, else None and a mistake."""
        value = parent.get(key) if isinstance(parent, dict) else None
        if isinstance(value, kind) and not isinstance(value, bool):
            return value
        names = {dict: "an object", list: "a list", str: "a text"}
        self.note(at, f"{key!r} must be {names[kind]}, got {shown_value(value)}")
        return None

    def number(
        self, value: object, what: str, at: str, text: bool = False
    ) -> float | None:
        """A finite number, or with ``text`` a text of one; else None and a mistake."""
        number = None if isinstance(value, str) and not text else number_of(value)
        if number is None:
            self.note(at, f"{what} must be a number, got {shown_value(value)}")
        return number

    def positive(self, value: object, what: str, at: str) -> float | None:
        """A finite number above 0, else None and a mistake."""
        number = self.number(value, what, at)
        if number is None or number > 0:
            return number
        self.note(at, f"{what} must be positive, got {number:g}")
        return None


def shown_value(value: object) -> str:
    """A value of JSON for a message."""
    return (
        "nothing"
        if value is None
        else shown(value if isinstance(value, str) else str(value))
    )


def read_json(path: str, mistakes: Mistakes):
    """The content of a JSON file.

    Args:
        path: Of the file.
        mistakes: Keys that are there twice, and NaN, are noted.

    Raises:
        FileNotFoundError: There is no such file.
        AnnotationError: It is no JSON.
    """

    def unique(pairs: list[tuple[str, object]]) -> dict:
        result: dict[str, object] = {}
        for key, value in pairs:
            if key in result:
                mistakes.note("", f"key {shown(key)} is there twice in one object")
            result[key] = value
        return result

    def constant(name: str) -> None:
        mistakes.note("", f"{name} is no number of JSON")

    text = read_text(path)
    try:
        return json.loads(text, object_pairs_hook=unique, parse_constant=constant)
    except json.JSONDecodeError as error:
        raise AnnotationError(
            [f"{path}:{error.lineno}: is not JSON: {error.msg}"]
        ) from None
    except RecursionError:
        raise AnnotationError([f"{path}: is nested too deeply"]) from None
