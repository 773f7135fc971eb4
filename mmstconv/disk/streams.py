"""Standard output and error of commands: any name shown; closed, full, not read on."""

from __future__ import annotations

import atexit
import logging  # noqa: F401  (its last flush comes after ours)
import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import TextIO

NOT_READ_ON = 141  # exit code, as shells say it of a program that SIGPIPE has ended


def print_any_name(*, goes_on: bool = False) -> None:
    """Lets ``print`` show every file name, whatever the terminal can show.

    A name need not be text; a terminal, or the file that output goes to, may know only
    some letters. What cannot be shown is shown as an escape (``\\xe9``), where Python
    would end the program. To be called first by every script.

    A program whose output nobody reads any more (``| head``) ends without a message,
    and with one if there is no room for it; one without an output (``>&-``) goes on.

    Args:
        goes_on: It goes on in all these cases, as a training does.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # the file stays open, so that no other gets the number that libraries
            # write their messages to
            setattr(sys, name, open(os.devnull, "w"))
        elif hasattr(stream, "reconfigure"):
            if not _shows_all(stream):
                stream.reconfigure(errors="backslashreplace")
            if not hasattr(stream, "goes_on"):
                _guard(stream)
            stream.goes_on = goes_on


def _shows_all(stream: TextIO) -> bool:
    if stream.errors == "backslashreplace":
        return True
    # names keep their very bytes, for a program that reads them
    return stream.errors == "surrogateescape" and stream.encoding.lower() == "utf-8"


def _guard(stream: TextIO) -> None:
    """Let the methods that write end the program if they cannot.

    From then on what is written is lost.
    """

    def guarded(write: Callable) -> Callable:
        @wraps(write)
        def write_or_end(*args: object) -> object:
            try:
                return write(*args)
            except OSError as error:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)
                if not stream.goes_on:
                    raise SystemExit(_end_of(stream, error)) from None

        return write_or_end

    stream.write, stream.flush = guarded(stream.write), guarded(stream.flush)
    atexit.register(_last_flush, stream)


def _end_of(stream: TextIO, error: OSError) -> int | str:
    if isinstance(error, BrokenPipeError):
        return NOT_READ_ON
    return f"{stream.name.strip('<>')}: {error.strerror}"


def _last_flush(stream: TextIO) -> None:
    """At the end, where an exit code is no longer asked for."""
    try:
        stream.flush()
    except ValueError:  # it is closed
        pass
    except SystemExit as end:
        if end.code != NOT_READ_ON:
            print(end.code, file=sys.stderr, flush=True)
            os._exit(1)
