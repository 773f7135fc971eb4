"""A user's mistake ends a command with one message; a mistake of the program, a trace.

The whole trace goes to the log file of the run, if there is one yet.
"""

from __future__ import annotations

import linecache
import logging
import os
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

from ..private_names import loggers
from .configs import Registered

SHOWN_LINES = 24
INTERRUPTED = 130  # exit code of a command that Ctrl-C has ended

# These say what the user can do, whoever raises them.
MISTAKES = (OSError, ImportError, MemoryError, UnicodeError)
# Of these, those that somebody wrote a message for: by ``raise``, or ``assert``.
DELIBERATE = (
    ValueError,
    TypeError,
    KeyError,
    RuntimeError,
    AssertionError,
    SyntaxError,
)
CHECKING = ("mmstconv", "mmaction", "mmengine", "mmcv", "torch")

CALL = re.compile(r"unexpected keyword argument|missing \d+ required|takes .* argument")
NOT_REGISTERED = re.compile(r"(\S+) is not in the (\S+) registry")
IN_LOADER = re.compile(
    r"Original Traceback \(most recent call last\):\n(.*)", re.DOTALL
)
FRAME = re.compile(r'File "(.+)", line (\d+), in ')


@contextmanager
def short_errors(command: str, goes_on: str = "") -> Iterator[None]:
    """Put around a command: ends it with a message and an exit code.

    1 after an error, 130 after Ctrl-C. A mistake of the program passes as it is, and so
    do all if the command line has ``--traceback``, or the environment
    ``MMSTCONV_TRACEBACK=1``.

    Args:
        command: Its name, which the message begins with.
        goes_on: After Ctrl-C: what to do to go on.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        _to_log(error)
        hint = f": {goes_on}" if goes_on else ""
        print(f"\n{command}: interrupted{hint}", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except Exception as error:
        log = _to_log(error)
        asked = os.environ.get("MMSTCONV_TRACEBACK", "0") not in ("", "0")
        if asked or "--traceback" in sys.argv or not is_a_users(error):
            raise
        more = f"\n(the whole trace: {log})" if log else ""
        sys.exit(f"{command}: {message_of(error)}{more}")


def is_a_users(error: BaseException) -> bool:
    """Whether an error was raised to tell the user something."""
    if isinstance(error, MISTAKES) or _is_ours(type(error).__module__):
        return True
    if not isinstance(error, DELIBERATE):
        return False
    file, line = _origin(error)
    if not any(_is_below(file, folder) for folder in _folders(*CHECKING)):
        return False
    if isinstance(error, TypeError) and CALL.search(str(error)):
        # arguments of a part, which MMEngine hands over
        return any(_is_below(file, folder) for folder in _folders("mmengine"))
    statement = linecache.getline(file, line).strip()
    return statement.startswith(("raise ", "assert "))


def message_of(error: BaseException) -> str:
    """What an error says, in a few lines."""
    text = str(error.args[0] if isinstance(error, KeyError) else error)
    inner = IN_LOADER.search(text)
    if inner:  # its last lines, from the one that is not indented
        text = re.split(r"\n(?=\S)", inner[1].strip())[-1]
        text = text.partition(": ")[2] or text
    unknown = NOT_REGISTERED.search(text)
    if unknown:
        close = get_close_matches(unknown[1], Registered(), n=1)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        text = f"there is no '{unknown[1]}' in the registry {unknown[2]}{hint}"
    lines = text.strip().splitlines() or [type(error).__name__]
    rest = len(lines) - SHOWN_LINES
    if rest > 0:
        lines = [*lines[:SHOWN_LINES], f"... and {rest} lines more"]
    return "\n".join(lines)


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == "mmstconv"


def _folders(*packages: str) -> Iterator[Path]:
    for name in packages:
        file = getattr(sys.modules.get(name), "__file__", None)
        if file is not None:
            yield Path(file).parent
            if name == "mmstconv":  # in a checkout a link
                yield Path(file).parent.joinpath(".mim", "tools").resolve()


def _is_below(file: str, folder: Path) -> bool:
    return Path(file).resolve().is_relative_to(folder)


def _origin(error: BaseException) -> tuple[str, int]:
    """File and line that an error comes from, in a loader process as well."""
    inner = IN_LOADER.search(str(error))
    if inner:
        frames = FRAME.findall(inner[1])
        return (frames[-1][0], int(frames[-1][1])) if frames else ("", 0)
    frames = traceback.extract_tb(error.__traceback__)
    return (frames[-1].filename, frames[-1].lineno or 0) if frames else ("", 0)


def _to_log(error: BaseException) -> str | None:
    """The trace into the log file; its path."""
    for logger in reversed(loggers()):
        for handler in logger.handlers:
            if isinstance(handler, logging.FileHandler):
                trace = "".join(traceback.format_exception(error))
                handler.handle(
                    logger.makeRecord(
                        logger.name, logging.ERROR, "", 0, trace, (), None
                    )
                )
                return os.path.relpath(handler.baseFilename)
    return None
