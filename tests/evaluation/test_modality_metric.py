"""Numbers of the metric against a table small enough to count by hand."""

from __future__ import annotations

import json
import math
import pickle

import numpy as np
import pytest
import torch
from helpers_processes import in_two_processes
from mmaction.registry import METRICS

from mmstconv.evaluation.outcomes import NONE, members, surprise

# label, predictions from none, rgb, audio, both; of the streams' own classifiers
TABLE = [
    (0, (0, 0, 1, 0), dict(rgb=0, audio=0)),
    (0, (0, 1, 0, 0), dict(rgb=0, audio=0)),
    (1, (0, 1, 1, 1), dict(rgb=1, audio=0)),
    (1, (0, 0, 0, 0), dict(rgb=1)),  # has no sound
    (1, (0, 1, 0, 0), dict(rgb=1, audio=0)),
]
SUBSETS = (NONE, "rgb", "audio", "rgb+audio")


def scores(label, likely=0.9):
    probabilities = torch.tensor([1 - likely, 1 - likely])
    probabilities[label] = likely
    return probabilities


def sample(label, predictions, streams, **more):
    return dict(
        filename="some.mp4",
        gt_label=torch.tensor([label]),
        pred_score=scores(predictions[-1]),
        presence=dict(rgb=True, audio="audio" in streams),
        subset_scores={name: scores(one) for name, one in zip(SUBSETS, predictions)},
        stream_scores={name: scores(one) for name, one in streams.items()},
        **more,
    )


def samples(table=TABLE):
    return [sample(*row) for row in table]


def evaluate(data_samples, **kwargs):
    metric = METRICS.build(dict(type="ModalityMetric", **kwargs))
    for start in range(0, len(data_samples), 2):
        metric.process(None, data_samples[start : start + 2])
    return metric.evaluate(len(data_samples))


def test_names_of_subsets_are_the_heads():
    # here, as the two processes below need no models
    from mmstconv.models.joint import subsets_of

    for name, own in subsets_of(("rgb", "flow", "audio")):
        assert members(name) == own


def test_against_the_hand_made_table():
    right, wrong = -math.log(0.9), -math.log(0.1)
    expected = {
        "acc/none": 2 / 5,
        "acc/rgb": 3 / 5,
        "acc/audio": 2 / 5,
        "acc/rgb+audio": 3 / 5,
        "acc_having/none": 2 / 5,
        "acc_having/rgb": 3 / 5,
        "acc_having/audio": 2 / 4,
        "acc_having/rgb+audio": 3 / 4,
        "acc/stream_rgb": 5 / 5,
        "acc/stream_audio": 2 / 4,
        "shapley/rgb": 0.2,
        "shapley/audio": 0.0,
        "acc_with/audio": 3 / 4,
        "acc_taken_away/audio": 3 / 4,
        "acc_without/audio": 0 / 1,
        "shapley_with/audio": 0.0,
        "complement/rgb+audio/both_right": 1 / 4,
        "complement/rgb+audio/only_rgb": 2 / 4,
        "complement/rgb+audio/only_audio": 1 / 4,
        "complement/rgb+audio/both_wrong": 0.0,
        "nll/fused": (3 * right + 2 * wrong) / 5,
        "nll/stream_rgb": right,
        "nll/stream_audio": (right + wrong) / 2,
        "margin/best_stream": 3 / 5 - 5 / 5,
        "ece/fused": 0.9 - 3 / 5,
    }
    found = evaluate(samples(), prefix="m")
    assert all(type(value) is float for value in found.values())
    wanted = {f"m/{key}": value for key, value in expected.items()}
    assert found == pytest.approx(wanted, abs=1e-6)


def test_default_prefix():
    assert "modality/acc/rgb+audio" in evaluate(samples())


def test_with_everything_present_nothing_is_said_twice():
    complete = [row for row in TABLE if "audio" in row[2]]
    found = evaluate(samples(complete))
    said = ("acc_having", "acc_with", "acc_taken_away", "shapley_with")
    assert not [key for key in found if key.split("/")[1].startswith(said)]


def test_presence_that_gives_the_class_away():
    """Class 0 has sound, class 1 has not, and the model looks at nothing else."""
    rows = [(0, (1, 1, 0, 0), dict(audio=0))] * 3 + [(1, (1, 1, 1, 1), {})] * 5
    found = evaluate(samples(rows), prefix="m")
    expected = {
        "acc/rgb+audio": 1.0,
        "acc_with/audio": 1.0,
        "acc_without/audio": 1.0,
        "acc_taken_away/audio": 0.0,  # the sign of it
        "shapley/audio": 3 / 8,
        "shapley_with/audio": 1.0,
    }
    for measure, value in expected.items():
        assert found[f"m/{measure}"] == pytest.approx(value), measure


def test_each_modality_that_some_sample_lacks_is_reported_apart():
    """And one that none has, as far as there is anything to say."""
    table = [
        (0, (1, 0, 0, 0), dict(rgb=0, audio=0)),
        (1, (0, 0, 0, 1), dict(rgb=0)),
        (1, (0, 0, 1, 1), dict(audio=1)),
    ]
    ones = samples(table)
    for one, row in zip(ones, table):
        one["presence"] = dict(rgb="rgb" in row[2], audio="audio" in row[2])
    found = evaluate(ones, prefix="m")
    for measure, value in {
        "acc_with/rgb": 1.0,
        "acc_taken_away/rgb": 0.5,
        "acc_without/rgb": 1.0,
        "acc_with/audio": 1.0,
        "acc_taken_away/audio": 0.5,
        "acc_without/audio": 1.0,
    }.items():
        assert found[f"m/{measure}"] == value, measure
    for one in ones:
        one["presence"] = dict(rgb=True, audio=False)
    found = evaluate(ones, prefix="m")
    assert found["m/acc_without/audio"] == 1.0
    assert "m/acc_with/audio" not in found and "m/shapley_with/audio" not in found


def test_one_modality():
    """No pairs; the subset of all is the one of one."""
    one = dict(
        gt_label=torch.tensor([1]),
        subset_scores={NONE: scores(0), "rgb": scores(1)},
    )
    found = evaluate([one, one], prefix="m")
    assert found == pytest.approx(
        {
            "m/acc/none": 0.0,
            "m/acc/rgb": 1.0,
            "m/shapley/rgb": 1.0,
            "m/nll/fused": -math.log(0.9),
            "m/margin/best_stream": 0.0,
            "m/ece/fused": 1 - 0.9,
        }
    )


def test_a_pair_that_no_sample_has_is_left_out():
    found = evaluate([sample(0, (0, 0, 0, 0), dict(rgb=0))])
    assert not [key for key in found if "complement" in key]
    assert "modality/acc_having/audio" not in found
    assert found["modality/acc_having/rgb"] == 1.0


@pytest.mark.parametrize(
    ("joint", "streams", "expected"),
    [
        # rgb alone, under the fusion operator, is right in 4 of 4
        ((0, 0, 0, 1), {}, (25.0, "rgb alone, 100.0%")),
        ((0, 0, 1, 1), {}, (50.0, "rgb alone, 100.0%")),
        ((0, 0, 0, 0), {}, None),
        ((0, 0, 0, 0), dict(rgb=1, audio=1), None),
    ],
)
def test_warns_when_the_joint_model_is_below_its_best(
    joint, streams, expected, warnings
):
    evaluate([sample(0, (1, 0, 1, together), streams) for together in joint])
    if expected is None:
        assert not warnings()
        return
    (message,) = warnings()
    points, name = expected
    assert f"{points:.1f} points below {name} (4 samples)" in message
    assert f"{100 - points:.1f}% with all modalities" in message


def test_a_stream_s_own_classifier_can_be_the_best(warnings):
    evaluate(samples())
    (message,) = warnings()
    assert message.startswith("60.0% with all modalities is 40.0 points below the ")
    assert "classifier of stream rgb, 100.0% (5 samples)" in message


def test_a_stream_is_compared_on_the_samples_it_judges(warnings):
    """Right on every file with sound, as all together are there: nobody lost."""
    heard = [(0, (1, 1, 0, 0), dict(rgb=1, audio=0))] * 2
    silent = [(0, (1, 1, 1, 1), dict(rgb=1))] * 2
    found = evaluate(samples(heard + silent))
    assert found["modality/acc/stream_audio"] == 1.0
    assert found["modality/acc/rgb+audio"] == 0.5
    assert found["modality/margin/best_stream"] == 0.0
    assert not warnings()


def test_a_loss_on_its_samples_is_not_made_up_for_elsewhere(warnings):
    """All together: right on the silent files, and on half of those with sound."""
    heard = [(0, (1, 1, 0, one), dict(rgb=1, audio=0)) for one in (0, 1)]
    silent = [(0, (1, 1, 1, 0), dict(rgb=1))] * 2
    found = evaluate(samples(heard + silent))
    assert found["modality/acc/rgb+audio"] == 0.75
    assert found["modality/margin/best_stream"] == -0.5
    (message,) = warnings()
    assert message.startswith("50.0% with all modalities is 50.0 points below")
    assert "stream audio, 100.0% (2 samples)" in message


@pytest.mark.parametrize("shift", [0.0, 3.0, -40.0])
def test_logits_and_log_probabilities(shift):
    """``average_clips='score'``: the log-softmax undoes any constant."""
    logits = samples()
    for one in logits:
        for field in ("subset_scores", "stream_scores"):
            one[field] = {name: s.log() + shift for name, s in one[field].items()}
    assert evaluate(logits) == pytest.approx(evaluate(samples()), abs=1e-5)


def test_surprise():
    assert surprise(np.array([0.25, 0.75]), 0) == pytest.approx(math.log(4))
    # not a distribution, though none is negative
    expected = math.log(1 + math.exp(1.5))
    assert surprise(np.array([0.5, 2.0]), 0) == pytest.approx(expected)
    for impossible in (np.array([1.0, 0.0]), np.array([0.0, -np.inf])):
        assert surprise(impossible, 0) == pytest.approx(0.0)
        assert surprise(impossible, 1) == pytest.approx(87.34, abs=0.01)


def test_weights_are_averaged_where_the_modality_is(tmp_path):
    def weighted(label, rgb, audio, streams):
        shares = dict(rgb=torch.tensor(rgb), audio=torch.tensor(audio))
        return sample(label, (0, 0, 0, 0), streams, modality_weights=shares)

    both = dict(rgb=0, audio=0)
    found = evaluate(
        [
            weighted(0, [0.8, 0.6], [0.2, 0.4], both),
            weighted(0, [1.0, 1.0], [0.0, 0.0], dict(rgb=0)),
            weighted(1, [0.6, 0.2], [0.4, 0.8], both),
        ],
        out_dir=tmp_path,
    )
    assert found["modality/weight/audio"] == pytest.approx((0.3 + 0.6) / 2)
    report = json.loads((tmp_path / "modality_report.json").read_text())
    assert report["overall"]["weights"] == {
        "rgb": pytest.approx([0.8, 0.6]),
        "audio": pytest.approx([0.3, 0.6]),
    }
    first, second = report["classes"]
    assert first["weights"]["rgb"] == pytest.approx([0.9, 0.8])
    assert second["weights"]["audio"] == pytest.approx([0.4, 0.8])


def test_weights_of_different_lengths():
    shares = ([0.0, 1.0], [0.0, 0.0, 0.0])
    found = evaluate(
        [
            sample(0, (0, 0, 0, 0), dict(rgb=0, audio=0),
                   modality_weights=dict(rgb=torch.tensor(one)))
            for one in shares
        ]
    )  # fmt: skip
    assert found["modality/weight/rgb"] == pytest.approx(0.25)


def test_what_is_collected_is_plain_and_small():
    many = 1000
    one = sample(0, (0, 0, 0, 0), dict(rgb=0, audio=0))
    for field in ("subset_scores", "stream_scores"):
        one[field] = {name: torch.rand(many) for name in one[field]}
    metric = METRICS.build(dict(type="ModalityMetric"))
    metric.process(None, [one])
    assert json.loads(json.dumps(metric.results)) == metric.results
    assert len(pickle.dumps(metric.results)) < 1000


def test_needs_subset_scores():
    one = sample(*TABLE[0])
    del one["subset_scores"]
    with pytest.raises(ValueError, match=r"some\.mp4 has neither.*score_subsets=True"):
        evaluate([one])


def test_one_label_only():
    one = sample(*TABLE[0])
    one["gt_label"] = torch.tensor([1, 1])
    with pytest.raises(ValueError, match=r"some\.mp4 has gt_label of shape \(2,\)"):
        evaluate([one])


@pytest.mark.parametrize("bad", [torch.tensor([0.1, math.nan]), torch.rand(3, 2)])
def test_scores_that_are_none(bad):
    one = sample(*TABLE[0])
    one["subset_scores"]["rgb"] = bad
    with pytest.raises(ValueError, match=r"some\.mp4: scores of 'rgb'"):
        evaluate([one])


def of_one_process(rank, out):
    """Every second sample, padded so that both have as many: as MMEngine's sampler."""
    metric = METRICS.build(dict(type="ModalityMetric", out_dir=out))
    metric.process(None, [*samples(), samples()[0]][rank::2])
    return metric.evaluate(5)


def test_two_processes_say_what_one_does(tmp_path):
    out = str(tmp_path / "out")
    first, second = in_two_processes(tmp_path, __file__, "of_one_process", out)
    assert first == second == pytest.approx(evaluate(samples()))
    assert (tmp_path / "out" / "modality_report.json").exists()
