"""What can be wrong with a media file; a missing one is Python's FileNotFoundError."""

from __future__ import annotations


class MediaError(ValueError):
    """A media file that cannot be used.

    Args:
        path: The file.
        reason: What is wrong with it.
        advice: What the reader of the message can do.
    """

    def __init__(self, path: str, reason: str, advice: str = "") -> None:
        self.path = path
        self.reason = reason
        self.advice = advice
        super().__init__(f"{path}: {reason}" + (f"; {advice}" if advice else ""))

    def __reduce__(self):
        return type(self), (self.path, self.reason, self.advice)


class UntrustedMediaError(MediaError):
    """A file that is refused before any decoder sees it."""


class UnreadableMediaError(MediaError):
    """A file of a known container that cannot be opened or decoded."""


class NoStreamError(MediaError):
    """A file without the stream that was asked for."""


class MediaLimitError(UntrustedMediaError):
    """A file that has more of something than :class:`MediaLimits` allow."""


class MediaTimeoutError(MediaError):
    """A file that was not read within the time allowed."""
