"""Measures of summaries beside the evaluations in use, and the traps one by one."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmstconv.evaluation.summary import (
    RatedVideo,
    f1_of_users,
    frame_scores,
    over_users,
    random_f1,
    rank_correlations,
    shot_scores,
    summarize,
)

ANSWERS = json.loads(
    Path(__file__).with_name("reference_answers").joinpath("summary.json").read_text()
)["summaries"]
# What each evaluation answers otherwise than we do, and why; all else is equal.
DIFFERENT = {
    ("users saw fewer frames", "vsumm"): "what the summary has beyond is cut off",
    ("a user who has chosen nothing", "pglsum"): "0/0",
    ("no shot fits", "pglsum"): "0/0",
    ("shots end before the film", "pglsum"): "0/0",
}


def users_of(case):
    users = np.zeros(
        (len(case["user_summary"]["spans"]), case["user_summary"]["n_frames"])
    )
    for row, spans in zip(users, case["user_summary"]["spans"]):
        for start, end in spans:
            row[start:end] = 1
    return users


def ours(case, base):
    shots, frames = summarize(
        case["scores"],
        case["change_points"],
        case["n_frames"],
        case["picks"],
        base=base,
    )
    values = f1_of_users(frames, users_of(case))
    return dict(
        chosen=shots,
        frames=int(frames.sum()),
        tvsum=over_users(values, "tvsum"),
        summe=over_users(values, "summe"),
    )


def test_as_the_evaluations_in_use():
    """The two differ in what the share is taken of."""
    wrong, agreed = [], set()
    for case in ANSWERS:
        for who, base in (("vsumm", case["n_frames"]), ("pglsum", None)):
            own, answer = ours(case, base), case["answers"][who]
            same = all(
                answer[name] is not None and abs(answer[name] - own[name]) <= 1e-6
                for name in ("frames", "tvsum", "summe")
            )
            assert own["chosen"] == answer["chosen"], (case["name"], who)
            if same == ((case["name"], who) in DIFFERENT):
                wrong.append(f"{case['name']}, {who}: {answer}, ours {own}")
            agreed |= {case["name"]} if same else set()
    assert not wrong, "\n".join(wrong)
    assert len(agreed) >= 15
    assert {name for name, _ in DIFFERENT} < {case["name"] for case in ANSWERS}


def test_both_change_points_belong_to_the_shot():
    """Frame 6 is of the first shot of seven frames, frame 7 of the second."""
    frames = np.array([1.0] * 7 + [3.0] * 3)
    assert shot_scores(frames, np.array([[0, 6], [7, 9]])).tolist() == [1, 3]
    chosen = summarize([1, 3], [[0, 6], [7, 9]], 10, [0, 7], share=0.3)
    assert chosen.shots == [1]
    assert chosen.frames.tolist() == [False] * 7 + [True] * 3


def test_the_share_is_of_the_shots_or_of_what_is_said():
    """Shots of 10 in 60 of 100 frames: 9 or 15 frames fit, none or one of them."""
    shots = [[first, first + 9] for first in range(0, 60, 10)]
    case = [0.5] * 10, shots, 100, range(0, 100, 10)
    assert summarize(*case).shots == []
    assert summarize(*case, base=100).shots == [0]


def test_a_share_that_floats_cannot_say():
    assert 100 * 0.29 < 29
    shots = [[0, 28], [29, 99]]
    assert summarize([1.0], shots, 100, [0], share=0.29).shots == [0]


def test_the_mean_of_a_shot_counts():
    """By its sum the long shot, 15 x 0.9, would win over 3 x 5 x 0.4."""
    scores = [0.9] * 15 + [0.4] * 15 + [0.1] * 70
    shots = [[0, 14], [15, 19], [20, 24], [25, 29], [30, 99]]
    assert summarize(scores, shots, 100, range(100)).shots == [1, 2, 3]


def test_frames_that_a_decoder_does_not_give():
    """n_frames is the annotation's, the picks are of what was decoded."""
    assert frame_scores([1, 2], [0, 2], 6).tolist() == [1, 1, 2, 2, 2, 2]
    assert frame_scores([1, 2, 3, 4], [0, 2, 4, 6], 3).tolist() == [1, 1, 2]
    assert frame_scores([1, 2], [0, 2, 4], 5).tolist() == [1, 1, 2, 2, 0]
    assert frame_scores([1, 2], [1, 3], 4).tolist() == [0, 1, 1, 2]


def test_constant_scores_have_no_order():
    users = np.array([[1.0, 2, 3], [3, 2, 1], [2, 2, 2]])
    assert rank_correlations([5, 5, 5], users) == (0, 0)
    assert rank_correlations([1, 2, 3], users[2:]) == (0, 0)
    assert rank_correlations([1, 2, 3], users[:1]) == (1, 1)
    assert rank_correlations([1, 2, 3], users) == pytest.approx((0, 0))


def test_the_mean_of_correlations_is_not_that_with_the_mean():
    users = np.array([[0.0, 1, 2, 3], [100, 0, 0, 0]])
    scores = [0, 1, 2, 3]
    found = rank_correlations(scores, users)
    # 3 pairs fall of 3 that are no tie, of 6: tau-b = -3 / sqrt(6 * 3)
    assert found.tau == pytest.approx((1 - 3 / np.sqrt(18)) / 2)
    mean = rank_correlations(scores, users.mean(0))
    assert abs(mean.tau - found.tau) > 0.1


def plain_tau(x, y) -> float:
    """Tau-b by its definition, over all pairs."""
    agree = ties_x = ties_y = 0
    pairs = list(combinations(range(len(x)), 2))
    for i, j in pairs:
        agree += np.sign(x[i] - x[j]) * np.sign(y[i] - y[j])
        ties_x += x[i] == x[j]
        ties_y += y[i] == y[j]
    return agree / np.sqrt((len(pairs) - ties_x) * (len(pairs) - ties_y))


def plain_rho(x, y) -> float:
    """Pearson's correlation of mean ranks."""
    ranks = [[np.mean([(b < a) + (b == a) / 2 for b in v]) for a in v] for v in (x, y)]
    return np.corrcoef(*ranks)[0, 1]


few = st.lists(st.integers(0, 4), min_size=5, max_size=5)


@given(few, few, few)
def test_correlations_as_a_plain_search(scores, one, other):
    users = np.array([one, other])
    found = rank_correlations(scores, users)
    for name, plain in (("tau", plain_tau), ("rho", plain_rho)):
        values = [
            plain(scores, user) if np.ptp(user) and np.ptp(scores) else 0.0
            for user in users
        ]
        assert getattr(found, name) == pytest.approx(np.mean(values), abs=1e-9)


def plain_f1(frames, user) -> float:
    """Precision and recall, frame by frame."""
    length = max(len(frames), len(user))
    shown = [place < len(frames) and frames[place] > 0 for place in range(length)]
    chosen = [place < len(user) and user[place] > 0 for place in range(length)]
    both = sum(a and b for a, b in zip(shown, chosen))
    if not both:
        return 0.0
    precision, recall = both / sum(shown), both / sum(chosen)
    return 2 * precision * recall / (precision + recall)


bits = st.lists(st.integers(0, 1), min_size=1, max_size=9)


@given(bits, bits)
def test_f1_frame_by_frame(frames, user):
    found = f1_of_users(np.array(frames), np.array([user]))
    assert found == pytest.approx([plain_f1(frames, user)])


def test_protocols():
    assert over_users(np.array([0.2, 0.6]), "tvsum") == pytest.approx(0.4)
    assert over_users(np.array([0.2, 0.6]), "summe") == 0.6
    with pytest.raises(ValueError, match=r"protocol='youtube'.*tvsum"):
        over_users(np.zeros(1), "youtube")


def test_random_scores():
    """Of 20 equal shots 3 are chosen; a user has 3 others of them in 3/20."""
    users = np.zeros((1, 20))
    users[0, [2, 7, 11]] = 1
    shots = np.stack([np.arange(20)] * 2, axis=1)
    video = RatedVideo(20, np.arange(20), shots, users)
    found = random_f1(video, "tvsum", draws=500)
    # 3/20 on average; the share of a draw is hypergeometric, sd 0.19
    assert found == pytest.approx(0.15, abs=4 * 0.19 / np.sqrt(500))
    assert found == random_f1(video, "tvsum", draws=500)
    assert found != random_f1(video, "tvsum", draws=500, seed=1)
    assert random_f1(video, "summe", draws=500) == found  # of one user


def test_users_that_rate_steps_choose_shots():
    """Each user's summary is what the same choice makes of the rating."""
    shots = np.array([[0, 4], [5, 9], [10, 14], [15, 19]])
    rated = np.repeat([[0.1, 0.9, 0.2, 0.3], [0.9, 0.1, 0.2, 0.3]], 5, axis=1)
    video = RatedVideo(20, np.arange(20), shots, None, rated)
    users = video.users_summaries(0.25)
    assert [row.nonzero()[0].tolist() for row in users] == [
        [5, 6, 7, 8, 9],
        [0, 1, 2, 3, 4],
    ]
    assert video.f1(rated[0], "tvsum", 0.25) == pytest.approx(0.5)
    assert video.f1(rated[0], "summe", 0.25) == 1
    assert video.correlations(rated[0]).rho == pytest.approx((1 - 0.8) / 2)


def test_choices_at_the_picks_are_an_order_too():
    """Where nobody has rated steps; frames that users did not see are not chosen."""
    users = np.array([[0, 0, 1, 1]])
    video = RatedVideo(6, np.array([0, 2, 4]), None, users)
    tau, _ = video.correlations([0.1, 0.9, 0.2])
    assert tau == pytest.approx(plain_tau([0.1, 0.9, 0.2], [0, 1, 0]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2], [[0, 9]], 10, [0, 3, 5, 7]), "2 scores for 4 picks"),
        (([1, 2], [[0, 9]], 10, [5, 0]), "picks do not rise"),
        (([1, 2], [[0, 5], [5, 9]], 10, [0, 5]), "do not follow each other"),
        (([1, 2], [[0, 5], [9, 7]], 10, [0, 5]), "do not follow each other"),
        (([1, 2], [0, 5, 9], 10, [0, 5]), "expected \\(shots, 2\\)"),
    ],
)
def test_wrong_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        summarize(*arguments)
    with pytest.raises(ValueError, match="2 scores, but users have 3"):
        rank_correlations([1, 2], np.zeros((1, 3)))
