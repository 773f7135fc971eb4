"""The panel below a video, by the pixels that are coloured."""

from __future__ import annotations

import numpy as np

from mmstconv.visualization.prediction_panel import (
    BACKGROUND,
    COLOURS,
    MARGIN,
    TIMELINE,
    WIDTH,
    Moment,
    PredictionPanel,
    drawable,
)


def rgb(colour):
    return [int(colour[k : k + 2], 16) for k in (1, 3, 5)]


def is_colour(image, colour):
    return (image == rgb(colour)).all(-1)


SCORES = {"run": 0.75, "walk": 0.25, "caf\udce9 \n日本": 0.0}
MOMENTS = [Moment(0, 2, {"run": 1.0, "walk": 0.0}), Moment(2, 4, {"run": 0, "walk": 0})]


def panel(moments=MOMENTS):
    return PredictionPanel(
        SCORES, {"rgb": 0.5}, {"rgb": True, "audio": False}, moments, (0.0, 4.0)
    )


def test_bars_are_as_long_as_their_shares():
    image = panel(()).panel
    width = WIDTH // 2 - 2 * MARGIN
    for colour, share in zip(COLOURS, SCORES.values()):
        columns = np.flatnonzero(is_colour(image, colour).any(0))
        assert abs(len(columns) - share * width) <= 2
    assert rgb(BACKGROUND) in image[-1].tolist()


def test_the_timeline_follows_the_moments_and_the_time():
    drawn = panel()
    frame = np.full((100, 300, 3), 7, np.uint8)
    for time in (0.0, 1.0, 3.5, 99.0):
        image = drawn(frame, time)
        assert image.shape[1] == WIDTH and not image.shape[0] % 2
        assert (image[: WIDTH // 3 - 2] == 7).all()
        line = image[-TIMELINE // 2 - MARGIN]
        at = np.flatnonzero((line == 255).all(-1)).mean()
        place = MARGIN + min(time, 4.0) / 4 * (WIDTH - 2 * MARGIN)
        assert abs(at - place) <= 3, time
    lines = is_colour(drawn.panel[drawn.top :], COLOURS[0])
    heights = np.argmax(lines, axis=0)
    assert heights[MARGIN + 40] <= 1 and heights[-MARGIN - 40] >= TIMELINE - 2


def test_any_size_of_frame_gives_one_size():
    for shape in ((2, 2), (300, 40), (39, 641)):
        image = panel(())(np.zeros((*shape, 3), np.uint8), 0.0)
        assert image.shape[1] == WIDTH and not image.shape[0] % 2


def test_any_name_can_be_drawn():
    assert drawable("caf\udce9 \n日本") == "caf? 日本"
