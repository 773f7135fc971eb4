"""What a language model reads around the vectors of a video."""

from __future__ import annotations

from collections.abc import Mapping

VIDEO, ABSENT = "{video}", "{absent}"


class Prompt:
    """A text with a place for the video.

    Args:
        text: With ``{video}`` once: there the vectors stand. With ``{absent}``, what is
            said of absent modalities stands there.
        absent: ``{modality: sentence}``, said of clips without it.

    Raises:
        ValueError: ``{video}`` is not in the text once, or only one of ``{absent}`` and
            ``absent`` is given.
    """

    def __init__(self, text: str, absent: Mapping[str, str] | None = None) -> None:
        self.absent = dict(absent or {})
        if not isinstance(text, str) or text.count(VIDEO) != 1:
            raise ValueError(
                f"prompt: expected a text with {VIDEO} in it once, got {text!r}"
            )
        if bool(self.absent) != (ABSENT in text):
            raise ValueError(
                f"prompt is {text!r}, but absent is {self.absent!r}: what absent says "
                f"stands at {ABSENT} of the prompt; give both or none"
            )
        self.text = text

    def around(self, lacking: frozenset[str] = frozenset()) -> tuple[str, str]:
        """The texts before and after the video.

        Args:
            lacking: Modalities that the clip does not have.
        """
        said = " ".join(text for name, text in self.absent.items() if name in lacking)
        before, _, after = self.text.replace(ABSENT, said).partition(VIDEO)
        return before, after
