"""Errors about media files. A missing file is Python's ``FileNotFoundError``."""

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
    """A file that exceeds one of the :class:`MediaLimits`."""


class FetchError(MediaError):
    """A file elsewhere that could not be fetched, however often it was tried."""


class MediaTimeoutError(MediaError):
    """A file that was not read within the time allowed."""


# What a mistake in the program raises. Everything else that a decoder raises is taken
# to be the file's fault.
MISTAKES = (TypeError, AttributeError, NameError, AssertionError, ImportError)


class FileErrors:
    """A context that turns what a decoder raises into an error about the file.

    Only calls of a decoder belong in it. Media errors pass through unchanged, and so do
    the errors that a mistake in the program raises (``MISTAKES``).

    Args:
        path: The file.
        doing: What cannot be done if it fails, such as ``"opened"``.
    """

    def __init__(self, path: str, doing: str) -> None:
        self.path = path
        self.doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind, error, trace) -> bool:
        if isinstance(error, Exception) and not isinstance(
            error, (MediaError, *MISTAKES)
        ):
            raise decoder_error(self.path, self.doing, error) from error
        return False


def decoder_error(path: str, doing: str, error: BaseException) -> MediaError:
    """The error about a file that a decoder's error stands for.

    Args:
        path: The file.
        doing: What cannot be done, such as ``"opened"``.
        error: What the decoder raised.
    """
    if isinstance(error, MemoryError):
        return MediaLimitError(
            path,
            "needs more memory than is allowed in one piece, or than there is",
            "if that is right, read it with MediaLimits(max_bytes=...)",
        )
    return UnreadableMediaError(
        path,
        f"cannot be {doing}: {type(error).__name__}: {error}",
        "the file may be damaged",
    )
