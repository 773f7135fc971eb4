"""A panel below a video: its classes, what each modality says, and a timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WIDTH = 640  # of what is drawn; the video is scaled to it
LINE = 22
MARGIN = 10
TIMELINE = 70
COLOURS = ("#4e9af1", "#e76f51", "#2a9d8f", "#e9c46a", "#b185db")
BACKGROUND, INK, PALE = "#16181d", "#f2f2f2", "#4a4f5a"


class Moment(NamedTuple):
    """What a window of the video shows.

    Args:
        start: In seconds.
        end: In seconds.
        scores: ``{class: probability}`` of the classes that are drawn.
    """

    start: float
    end: float
    scores: Mapping[str, float]


class PredictionPanel:
    """Draws frames of one video with its prediction below.

    Args:
        scores: ``{class: probability}``, the most probable first.
        streams: ``{modality: probability}`` that each modality alone gives the first
            class.
        presence: ``{modality: whether the file has it}``.
        moments: Along the video; empty: no timeline.
        extent: First and last second of the video.
    """

    def __init__(
        self,
        scores: Mapping[str, float],
        streams: Mapping[str, float],
        presence: Mapping[str, bool],
        moments: Sequence[Moment] = (),
        extent: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        self.extent = extent
        self.moments = moments
        self.colours = dict(zip(scores, COLOURS))
        rows = max(len(scores), len(presence))
        self.top = MARGIN + rows * LINE + MARGIN  # of the timeline
        height = self.top + (TIMELINE + MARGIN if moments else 0)
        panel = Image.new("RGB", (WIDTH, height + height % 2), BACKGROUND)
        brush = ImageDraw.Draw(panel)
        half = WIDTH // 2
        for row, (name, score) in enumerate(scores.items()):
            self._bar(brush, row, MARGIN, name, score, self.colours.get(name, INK))
        for row, (name, here) in enumerate(presence.items()):
            said = streams.get(name)
            text = name if here else f"{name}: absent"
            self._bar(brush, row, half + MARGIN, text, said if here else None, PALE)
        if moments:
            self._timeline(brush)
        self.panel = np.asarray(panel)

    def __call__(self, image: np.ndarray, time: float) -> np.ndarray:
        """A frame, RGB uint8 ``(H, W, 3)``, with the panel below."""
        height = max(2, round(image.shape[0] * WIDTH / image.shape[1] / 2) * 2)
        scaled = Image.fromarray(image).resize((WIDTH, height), Image.BILINEAR)
        panel = self.panel
        if self.moments:
            panel = panel.copy()
            place = min(max(self._place(time), MARGIN), WIDTH - MARGIN - 2)
            panel[self.top : self.top + TIMELINE, place : place + 2] = 255
        return np.concatenate([np.asarray(scaled), panel])

    def _bar(self, brush, row: int, left: int, name: str, share, colour) -> None:
        top = MARGIN + row * LINE
        width = WIDTH // 2 - 2 * MARGIN
        box = (left, top + 1, left + width, top + LINE - 3)
        brush.rectangle(box, outline=PALE)
        if share is not None:
            full = (left, top + 1, left + round(width * share), top + LINE - 3)
            brush.rectangle(full, fill=colour)
            brush.text(
                (left + width - 4, top + 2), f"{share:.0%}", INK, font(), anchor="ra"
            )
        brush.text((left + 4, top + 2), drawable(name)[:34], INK, font())

    def _timeline(self, brush) -> None:
        bottom = self.top + TIMELINE
        brush.line((MARGIN, bottom, WIDTH - MARGIN, bottom), PALE)
        for name, colour in reversed(self.colours.items()):
            points = []
            for one in self.moments:
                level = bottom - round(TIMELINE * one.scores.get(name, 0.0))
                points.append((self._place((one.start + one.end) / 2), level))
            points = [(MARGIN, points[0][1]), *points, (WIDTH - MARGIN, points[-1][1])]
            brush.line(points, colour, width=2)

    def _place(self, time: float) -> int:
        start, end = self.extent
        share = (time - start) / max(end - start, 1e-6)
        return MARGIN + round(share * (WIDTH - 2 * MARGIN))


@cache
def font() -> ImageFont.FreeTypeFont:
    """Matplotlib's, which knows more letters than Pillow's own."""
    import matplotlib

    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    return ImageFont.truetype(str(folder / "DejaVuSans.ttf"), 13)


def drawable(name: str) -> str:
    """A name in one line; bytes that are no text as ``?``."""
    return " ".join(name.encode("utf-8", "replace").decode().split())
