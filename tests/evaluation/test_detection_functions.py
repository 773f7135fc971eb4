"""Detection measures beside the evaluations in use, and beside slow plain ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from helpers_culprits import for_each
from hypothesis import given
from hypothesis import strategies as st

from mmstconv.evaluation.detection import (
    SPOTTING_TOLERANCES,
    Events,
    average_precision,
    average_recall,
    join_events,
    soccernet_average_precision,
    spotting_average_precision,
    temporal_iou,
    thresholds_of,
)
from mmstconv.evaluation.detection.soccernet import average_over_windows

ANSWERS = json.loads(
    Path(__file__).with_name("reference_answers").joinpath("detection.json").read_text()
)
# What each evaluation answers otherwise than we do, and why; all else is equal.
DIFFERENT = {
    ("plain, looser and tighter", "mmaction2"): "tIoU of 0.9 in float32",
    ("several, the best scored fits worst", "mmaction2"): "tIoU of 0.9 in float32",
    ("tIoU exactly 0.7", "mmaction2"): "tIoU in float32",
    ("event twice in the truth", "opentad"): "counts once",
    ("event that lasts no time", "opentad"): "taken out",
    ("event and detection that last no time", "official"): "0/0 counts as found",
    ("event and detection that last no time", "opentad"): "taken out",
    ("event and detection that last no time", "mmaction2"): "0/0 counts as found",
    ("ids that are alike but for two characters", "mmaction2"): "cuts two characters",
    ("ids without v_", "mmaction2"): "cuts two characters",
    ("equal scores, the hit first", "official"): "order of an unstable sort",
    ("equal scores, the hit first", "opentad"): "order of an unstable sort",
    ("equal scores, the hit last", "official"): "order of an unstable sort",
    ("equal scores, the hit last", "opentad"): "order of an unstable sort",
    ("detected class that the truth has not", "opentad"): "leaves it out",
}


def events(videos, instants=False) -> Events:
    """Of ``{video: [[start, end, label(, score)]]}``; instants have no end."""
    width = 1 if instants else 2
    rows = [(video, *row) for video, listed in videos.items() for row in listed]
    times = np.array([row[1 : 1 + width] for row in rows], np.float64)
    scores = [row[2 + width] for row in rows if len(row) > 2 + width]
    return Events(
        np.array([row[0] for row in rows]),
        times.reshape(-1) if instants else times.reshape(-1, 2),
        np.array([row[1 + width] for row in rows]),
        np.array(scores) if scores else None,
    )


def ours(case):
    """Mean average precision at each threshold, or the name of what was raised."""
    thresholds = thresholds_of(case["protocol"])
    try:
        found = average_precision(
            events(case["truth"]), events(case["found"]), thresholds
        )
    except ValueError:
        return "KeyError"  # the official one's word for a class that is not known
    return found.mean


def test_as_the_evaluations_in_use():
    """Each differs from ours exactly where the docstring says so."""
    wrong, agreed = [], 0
    for case in ANSWERS["precision"]:
        own = ours(case)
        for who, answer in case["answers"].items():
            same = type(own) is not str and type(answer) is not str
            same = np.allclose(own, answer, atol=1e-6) if same else own == answer
            if same == ((case["name"], who) in DIFFERENT):
                wrong.append(f"{case['name']}, {who}: {answer}, ours {own}")
        agreed += not any(name == case["name"] for name, _ in DIFFERENT)
    assert not wrong, "\n".join(wrong)
    assert agreed >= 25
    assert {name for name, _ in DIFFERENT} < {
        one["name"] for one in ANSWERS["precision"]
    }


def test_ids_may_be_numbers():
    case = next(one for one in ANSWERS["precision"] if one["name"] == "ids are numbers")
    numbers = {
        key: {int(video): rows for video, rows in case[key].items()}
        for key in ("truth", "found")
    }
    found = ours({**case, **numbers})
    np.testing.assert_allclose(found, case["answers"]["official"], atol=1e-6)
    with pytest.raises(ValueError, match="one has numbers, the other texts"):
        average_precision(events(numbers["truth"]), events(case["found"]), [0.5])


def test_average_recall_as_the_evaluations_in_use():
    wrong = []
    for case in ANSWERS["recall"]:
        found = average_recall(
            events(case["truth"]), events(case["found"]), thresholds_of("activitynet")
        )
        own = [*found.mean[[0, 4, 9, 49, 99]], found.area]
        for who, answer in case["answers"].items():
            # 0.9 / 1.1 and its like in float32
            allowed = case["name"].startswith("uneven") and who == "mmaction2"
            if np.allclose(own, answer, atol=1e-6) == allowed:
                wrong.append(f"{case['name']}, {who}: {answer}, ours {own}")
    assert len(ANSWERS["recall"]) >= 5 and not wrong, "\n".join(wrong)


def test_no_proposal_has_no_recall():
    truth = events({"a": [[0, 10, "jump"]]})
    nothing = Events(*(np.zeros((0, *more)) for more in ((), (2,), (), ())))
    assert average_recall(truth, nothing, [0.5]).mean.tolist() == [0] * 100
    with pytest.raises(ValueError, match="no true event"):
        average_recall(nothing, truth, [0.5])


def test_spotting_as_the_evaluations_in_use():
    wrong = []
    for case in ANSWERS["spotting"]:
        truth, found = (events(case[key], True) for key in ("truth", "found"))
        own = spotting_average_precision(truth, found, [0, 1, 2, 4])
        for label, values in zip(own.classes, own.values):
            # of two at one time E2E-Spot finds one
            same = np.allclose(values, case["spot"][label], atol=1e-6)
            if same == (case["name"] == "twice in the truth"):
                wrong.append(f"{case['name']}, {label}: {values}")
        assert own.classes == sorted(case["spot"])
        halves = [one._replace(times=one.times / 2) for one in (truth, found)]
        for name, (mean, classes) in case["soccernet"].items():
            own = soccernet_average_precision(*halves, SPOTTING_TOLERANCES[name])
            values = average_over_windows(own.values)
            same = np.allclose(values, classes, atol=1e-6)
            same &= np.isclose(average_over_windows(own.mean), mean, atol=1e-6)
            if not same:
                wrong.append(f"{case['name']}, {name}: {values}")
    assert not wrong, "\n".join(wrong)


def test_which_instant_is_found():
    """The first of equally near ones; each by one detection."""
    truth = events({"a": [[10, 0], [14, 0]], "b": [[10, 0]]}, True)
    found = events({"a": [[14, 0, 0.8], [12, 0, 0.9]], "b": [[10, 0, 0.7]]}, True)
    own = spotting_average_precision(truth, found, [0, 2])
    assert own.matches.tolist() == [[1, 1], [-1, 0], [2, 2]]
    own = soccernet_average_precision(truth, found, [4], frame_rate=1)
    assert own.matches.tolist() == [[1], [0], [2]]


def test_overlap():
    segments = np.array([[0, 10], [5, 5]])
    others = np.array([[0, 10], [5, 20], [30, 40], [5, 5]])
    expected = [[1, 5 / 20, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(temporal_iou(segments, others), expected)


def test_two_instants_in_one_frame():
    """Both count: half of them is found, up to 6 of 11 recalls."""
    truth, found = (
        events({"a": [[1.0, 0], [1.1, 0]]}, True),
        events({"a": [[1, 0, 1]]}, True),
    )
    own = soccernet_average_precision(truth, found, [1])
    np.testing.assert_allclose(own.values, 6 / 11)


def test_frames_of_instants():
    """0.12 s are 3 frames of 25 a second, and 4 of 30."""
    truth = events({"a": [[1.0, 0]]}, True)
    found = events({"a": [[1.12, 0, 0.5]]}, True)
    for rate, expected in ((25, [0, 0, 1, 1]), (30, [0, 0, 0, 1])):
        own = spotting_average_precision(truth, found, [1, 2, 3, 4], frame_rate=rate)
        assert own.values.tolist() == [expected]


def plain_precision(truth, found, threshold) -> float:
    """Of one class: a search of all pairs, the area by its definition."""
    free, hits = [True] * len(truth.labels), []
    for row in sorted(range(len(found.labels)), key=lambda row: -found.scores[row]):
        best, chosen = threshold, None
        for place, (start, end) in enumerate(truth.times):
            if truth.videos[place] != found.videos[row] or not free[place]:
                continue
            first, last = found.times[row]
            common = max(min(last, end) - max(first, start), 0)
            union = (end - start) + (last - first) - common
            if union > 0 and common / union >= best:
                best, chosen = common / union, place
        if chosen is not None:
            free[chosen] = False
        hits.append(chosen is not None)
    area = 0.0
    for rank, hit in enumerate(hits):
        if hit:
            area += max(
                sum(hits[: end + 1]) / (end + 1) for end in range(rank, len(hits))
            ) / len(truth.labels)
    return area


# quarters of a second, so that overlaps are often equal or exactly a threshold
spans = st.tuples(st.integers(0, 40), st.integers(0, 12), st.integers(0, 2))
true_ones = st.lists(st.lists(spans, max_size=5), min_size=1, max_size=3)
detected = st.lists(st.tuples(st.integers(0, 2), spans, st.integers(0, 5)), max_size=15)


def drawn(listed, detections):
    truth = [(v, s, s + d, c) for v, one in enumerate(listed) for s, d, c in one]
    found = [(v, s, s + d, c, q) for v, (s, d, c), q in detections]
    truth = np.array(truth, np.float64).reshape(-1, 4)
    found = np.array(found, np.float64).reshape(-1, 5)
    return (
        Events(truth[:, 0], truth[:, 1:3] / 4, truth[:, 3]),
        Events(found[:, 0], found[:, 1:3] / 4, found[:, 3], found[:, 4] / 5),
    )


@given(true_ones, detected)
def test_as_a_plain_search(listed, detections):
    truth, found = drawn(listed, detections)
    thresholds = thresholds_of("multithumos")
    own = average_precision(truth, found, thresholds, classes=[0, 1, 2])
    for label, values in zip(own.classes, own.values):
        of_class = [one.of(one.labels == label) for one in (truth, found)]
        if not len(of_class[0].labels):
            assert np.isnan(values).all()
            continue
        plain = [plain_precision(*of_class, threshold) for threshold in thresholds]
        np.testing.assert_allclose(values, plain, atol=1e-12)
    _check_matches(own, truth, found, thresholds)


def _check_matches(own, truth, found, thresholds):
    """Nothing is found twice, and what is found overlaps enough."""
    overlaps = temporal_iou(found.times, truth.times)
    for column, threshold in enumerate(thresholds):
        rows = np.flatnonzero(own.matches[:, column] >= 0)
        taken = own.matches[rows, column]
        assert len(set(taken)) == len(taken)
        assert (overlaps[rows, taken] >= threshold).all()
        assert (truth.labels[taken] == found.labels[rows]).all()
        assert (truth.videos[taken] == found.videos[rows]).all()


@given(true_ones, detected, st.sampled_from([1, 3, 10]))
def test_average_recall_as_a_plain_search(listed, detections, largest):
    truth, found = drawn(listed, detections)
    if not len(truth.labels) or not len(found.labels):
        return
    # no two scores are equal, which of them is kept would be open
    found = found._replace(scores=found.scores + np.arange(len(found.scores)) / 1000)
    own = average_recall(truth, found, [0.3, 0.5], largest)
    videos = sorted(set(truth.videos))
    share = largest * len(videos) / len(found.labels)
    best = {}
    for video in videos:
        rows = [r for r in range(len(found.labels)) if found.videos[r] == video]
        rows.sort(key=lambda row: -found.scores[row])
        best[video] = rows[: int(len(rows) * share)]
    kept = sum(map(len, best.values()))
    for place in range(largest if kept else 0):
        part = (place + 1) / largest * (largest * len(videos) / kept)
        for row, threshold in enumerate((0.3, 0.5)):
            hits = 0
            for video, span in zip(truth.videos, truth.times):
                first = best[video][: int(len(best[video]) * part)]
                iou = temporal_iou(span[None], found.times[first])
                hits += bool((iou >= threshold).any())
            assert own.recall[row, place] == pytest.approx(hits / len(truth.labels))


@for_each("protocol, first, last, count", [
    ("activitynet", 0.5, 0.95, 10), ("thumos", 0.3, 0.7, 5),
    ("epic", 0.1, 0.5, 5), ("multithumos", 0.1, 0.9, 9),
])  # fmt: skip
def test_protocols(protocol, first, last, count):
    found = thresholds_of(protocol)
    steps = np.diff(found)
    assert (found[0], found[-1], len(found)) == (first, last, count)
    np.testing.assert_allclose(steps, steps[0])


def test_what_cannot_be_judged():
    truth, found = events({"a": [[0, 1, 0]]}), events({"a": [[0, 1, 0, float("nan")]]})
    with pytest.raises(ValueError, match="not all finite"):
        average_precision(truth, found, [0.5])
    found = events({"a": [[0, 1, 7, 0.5]]})
    with pytest.raises(ValueError, match=r"detection has a class.*7.*known are 1"):
        average_precision(truth, found, [0.5])
    with pytest.raises(ValueError, match=r"true event has a class.*0"):
        average_precision(truth, found, [0.5], classes=[7])
    with pytest.raises(ValueError, match=r"protocol='kinetics'.*activitynet"):
        thresholds_of("kinetics")
    instant = events({"a": [[1, 0]]}, True), events({"a": [[1, 0, 1.5]]}, True)
    with pytest.raises(ValueError, match=r"scores of 0 to 1, got 1.5"):
        soccernet_average_precision(*instant, [1])


def test_nothing_at_all():
    """No event of a class, no class at all."""
    empty = join_events([np.zeros((0, 2))], [np.zeros(0, int)], [np.zeros(0)])
    own = average_precision(empty, empty, [0.5, 0.7], classes=[0])
    assert np.isnan(own.values).all() and np.isnan(own.mean).all()
    assert average_precision(empty, empty, [0.5]).values.shape == (0, 1)
