"""Pictures of events and importance, by what is drawn where."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.image import imread
from mmengine.structures import InstanceData

from mmstconv.disk import ForeignFile
from mmstconv.visualization.timeline import (
    CHOSEN_COLOUR,
    LINE_SECONDS,
    MOST_CLASSES,
    MOST_LANES,
    TRUE_COLOUR,
    draw_detections,
    draw_importance,
    save_figure,
)


def events(rows, scored=True):
    table = torch.tensor(rows, dtype=torch.float32).reshape(-1, 4 if scored else 3)
    found = InstanceData(segments=table[:, :2], labels=table[:, 2].long())
    if scored:
        found.scores = table[:, 3]
    return found


def bars(figure):
    """``(line, start, end, middle of the lane, colour)`` of each, as drawn."""
    found = []
    for line, axes in enumerate(figure.axes):
        for group in axes.collections:
            if not isinstance(group, PolyCollection):
                continue
            for path, colour in zip(group.get_paths(), group.get_facecolors()):
                box = path.get_extents()
                lane = (box.y0 + box.y1) / 2
                found.append((line, box.x0, box.x1, lane, tuple(colour)))
    return found


def test_each_event_in_its_lane_and_time():
    found = events([(1, 3, 0, 0.9), (4, 5, 2, 0.5)])
    truth = events([(1, 2.5, 0)], scored=False)
    figure = draw_detections(found, truth, duration=10, class_names=["a", "b", "c"])
    (axes,) = figure.axes
    assert axes.get_xlim() == (0, 10)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "c"]
    drawn = bars(figure)
    where = [(line, start, end, round(lane)) for line, start, end, lane, _ in drawn]
    assert where == [(0, 1, 3, 0), (0, 1, 2.5, 0), (0, 4, 5, 1)]
    strong, true, weak = (one[-1] for one in drawn)
    assert strong[3] > weak[3] > 0.1
    assert true[:3] == pytest.approx(to_rgb(TRUE_COLOUR))
    assert strong[:3] != weak[:3]


def test_scores_above_one_are_measured_by_the_best():
    drawn = bars(draw_detections(events([(0, 1, 0, 20), (2, 3, 0, 5), (4, 5, 0, -3)])))
    alphas = {start: colour[3] for _, start, _, _, colour in drawn}
    assert alphas == pytest.approx({0: 1, 2: 0.1 + 0.9 / 4, 4: 0.1})


def test_three_hours():
    """In lines; what is short, or at the very end, is wide enough to be seen."""
    film = 3 * 3600
    found = events([(5000, 5000.2, 0, 1), (film - 0.1, film, 1, 1), (880, 920, 0, 1)])
    figure = draw_detections(found, duration=film)
    count = len(figure.axes)
    assert 1 < count <= film / LINE_SECONDS
    edges = [axes.get_xlim() for axes in figure.axes]
    assert edges[0][0] == 0 and edges[-1][1] == film
    assert [one[1] for one in edges[:-1]] == [one[0] for one in edges[1:]]
    figure.canvas.draw()
    for line, start, end, _, _ in bars(figure):
        low, high = edges[line]
        assert low <= start < end <= high + 1e-6
        pixels = (end - start) / (high - low) * figure.axes[line].bbox.width
        assert pixels >= 1
    # the one across the end of a line goes on in the next
    assert sum(880 <= start <= 920 for _, start, *_ in bars(figure)) == 2
    wide, high = figure.get_size_inches()
    assert wide == 14 and high < 70


def test_many_classes():
    rows = [(label, label + 1, label, label / 100) for label in range(100)]
    figure = draw_detections(events(rows), duration=7200)
    lanes = figure.axes[0].get_yticks()
    assert len(lanes) == MOST_CLASSES
    assert len(lanes) * len(figure.axes) <= MOST_LANES
    assert f"{MOST_CLASSES} of 100 classes" in figure.get_suptitle()
    names = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert names == [str(label) for label in range(70, 100)]


def test_nothing_and_instants(tmp_path):
    nothing = events([])
    figure = draw_detections(nothing, nothing.new(), duration=5, title="a $x film")
    assert "nothing detected" in figure.get_suptitle() and not bars(figure)
    save_figure(figure, tmp_path / "nothing.png")
    instants = dict(times=torch.tensor([2.0]), labels=[0], scores=[1.0])
    ((_, start, end, _, _),) = bars(draw_detections(instants, duration=10))
    assert start == 2 and end > 2
    with pytest.raises(ValueError, match="neither segments nor times"):
        draw_detections(dict(labels=[0]))


def test_importance_with_chosen_shots():
    values = np.repeat([0.1, 0.9, 0.4], 10)
    shots = [[5, 10], [10, 15], [15, 20]]
    figure = draw_importance(
        values,
        0.5,
        start=5,
        shots=shots,
        chosen=[False, True, False],
        truth=values[::-1],
    )
    ((_, start, end, _, colour),) = bars(figure)
    assert (start, end) == (10, 15)
    assert colour[:3] == pytest.approx(to_rgb(CHOSEN_COLOUR))
    truth, curve = figure.axes[0].patches
    np.testing.assert_allclose(curve.get_data().values, values)
    np.testing.assert_allclose(curve.get_data().edges, 5 + 0.5 * np.arange(31))
    np.testing.assert_allclose(truth.get_data().values, values[::-1])
    assert "1 of 3 shots chosen" in figure.get_suptitle()
    assert len(draw_importance(np.ones(7200), 0.5).axes) == 6


def test_the_picture_is_written_over_nothing(tmp_path):
    figure = draw_detections(events([(1, 3, 0, 0.9)]), duration=4)
    save_figure(figure, tmp_path / "own.png")
    save_figure(figure, tmp_path / "own.png")
    picture = imread(tmp_path / "own.png")
    assert picture.shape[1] == 1400 and picture[..., :3].min() < 0.5
    (tmp_path / "theirs.png").write_text("mine")
    with pytest.raises(ForeignFile):
        save_figure(figure, tmp_path / "theirs.png")
