"""Where in video files windows of some seconds lie, and which files are too short."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mmengine.logging import print_log

from mmstconv.media import MediaError
from mmstconv.media.remote import Store, open_at

from ...disk import public_name

SHOWN = 5
#: Seconds that a file may lack: ends of files are whole ticks of their clocks.
ROUNDING = 1e-3


class Stretch(NamedTuple):
    """A file that a window fits into. Args: path, and begin and end in seconds."""

    path: str
    start: float
    end: float

    def starts(self, seconds: float, count: int) -> list[float]:
        """Begins of ``count`` windows, in the middles of equal parts of the file."""
        room = max(self.end - self.start - seconds, 0)
        return [self.start + (k + 0.5) * room / count for k in range(count)]


def long_enough(
    paths: Iterable[str], seconds: float, whose: str, store: Store | None = None
) -> list[Stretch]:
    """The files that a window fits into; a warning names those left out, and why.

    Args:
        paths: Of videos; each is opened, no frame is decoded.
        seconds: Of the window.
        whose: Data set, for messages.
        store: What reads addresses.

    Raises:
        ValueError: No file is long enough.
    """
    fitting, out = [], []
    for path in paths:
        try:
            with open_at(path, store) as media:
                has_video, (start, end) = media.has_video, media.extent
        except (MediaError, OSError) as error:
            out.append(str(error))
            continue
        if not has_video:
            out.append(f"{public_name(path)}: has no pictures")
        elif end - start + ROUNDING < seconds:
            out.append(f"{public_name(path)}: is {end - start:.2f} s long")
        else:
            fitting.append(Stretch(path, start, end))
    if not fitting:
        raise ValueError(
            f"{whose}: no video is long enough for a window of {seconds:g} s (frames "
            f"by fps of SampleWindow); {_shown(out)}"
        )
    if out:
        print_log(
            f"{whose}: {len(out)} of {len(out) + len(fitting)} videos are left out, a "
            f"window of {seconds:g} s cannot be had of them; {_shown(out)}",
            logger="current",
            level=logging.WARNING,
        )
    return fitting


def _shown(lines: Sequence[str]) -> str:
    more = [f"... and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "; ".join([*lines[:SHOWN], *more])
