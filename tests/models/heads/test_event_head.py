"""Events along time: which points speak of them, padding, parts, bad input."""

from __future__ import annotations

import pytest
import torch
from helpers_culprits import for_each
from mmaction.structures import ActionDataSample
from mmengine.structures import InstanceData

from mmstconv.models import Features, Joint, TemporalEventHead
from mmstconv.models.heads.events.edges import refine_edges
from mmstconv.models.heads.events.losses import diou_loss_1d, sigmoid_focal_loss
from mmstconv.models.heads.events.point_head import NOT_REAL, real_targets
from mmstconv.models.heads.events.pyramid import points_of
from mmstconv.models.heads.events.targets import Targets, assign_events

WIDTH = 6


def sample(segments, labels, name="film.mp4", seconds=None):
    truth = InstanceData(
        segments=torch.tensor(segments, dtype=torch.float64).reshape(-1, 2),
        labels=torch.tensor(labels, dtype=torch.long),
    )
    one = ActionDataSample(gt_instances=truth)
    one.set_metainfo(dict(filename=name))
    return one


def fused(steps, lengths=None, window=None):
    joint = Joint(dict(rgb=WIDTH), fusion=dict(type="ConcatFusion"), over_time="steps")
    if window is not None:
        window = torch.tensor(window, dtype=torch.float64)
    if lengths is not None:
        lengths = dict(rgb=torch.tensor(lengths))
    return joint(Features(dict(rgb=steps), {}, lengths=lengths, window=window))


def head(**kwargs):
    torch.manual_seed(3)
    made = TemporalEventHead(
        **{**dict(num_classes=4, in_channels=WIDTH, channels=8, levels=3), **kwargs}
    )
    for parameter in made.class_tower.out.parameters():
        torch.nn.init.normal_(parameter)
    return made.eval()


def levels_of(raw, steps, levels=3):
    """``(N, T', ...)`` of each level, of a field with the points of all of them."""
    steps += -steps % 2 ** (levels - 1)
    return raw.split([steps // 2**level for level in range(levels)], 1)


def draw_segments(count, steps, generator):
    begin = steps * torch.rand(count, generator=generator)
    length = 20 * torch.rand(count, generator=generator) ** 3
    return torch.stack([begin, (begin + length).clamp(max=steps)], 1)


def test_points_by_brute_force():
    """Each point's event, from the definition, one pair after another."""
    generator = torch.Generator().manual_seed(0)
    wrong = []
    for causal in (False, True):
        points = points_of(40, 3, torch.device("cpu"), causal=causal)
        segments = draw_segments(12, 40, generator)
        labels = torch.randint(4, (12,), generator=generator)
        found = assign_events(points, segments, labels, 4, causal=causal)
        for row, (time, stride) in enumerate(zip(*points[:2])):
            time, stride = float(time), int(stride)
            low = 0 if stride == 1 else 2 * stride
            high = 4 * stride if stride < 4 else float("inf")
            own = []
            for number, (begin, end) in enumerate(segments.tolist()):
                far = max(abs(time - begin), abs(time - end))
                middle, half = (begin + end) / 2, max((end - begin) / 2, 0.5)
                near = abs(time - middle) <= min(half, 1.5 * stride)
                if causal:
                    near = 0 <= time - end < 3 * stride
                if near and low <= far < high:
                    own.append((end - begin, number))
            here = bool(own) == bool(found.positive[row])
            if own and here:
                number = min(own)[1]
                here = torch.equal(found.where[row], segments[number])
                here &= found.classes[row].nonzero().tolist() == [[int(labels[number])]]
            if not here:
                wrong.append((causal, row))
    assert not wrong


def test_every_event_has_a_point():
    """However short or long it is, and wherever it lies."""
    generator = torch.Generator().manual_seed(1)
    missing = []
    for causal in (False, True):
        points = points_of(96, 4, torch.device("cpu"), causal=causal)
        lengths = [0.0, 0.01, 0.4, 0.99, 1.0, 3.99, 4.0, 7.99, 8.0, 15.9, 31.0, 60.0]
        for length in lengths:
            for begin in (30 * torch.rand(20, generator=generator)).tolist():
                one = torch.tensor([[begin, begin + length]])
                label = torch.tensor([0])
                if not assign_events(
                    points, one, label, 1, causal=causal
                ).classes.any():
                    missing.append((causal, begin, length))
    assert not missing


def test_overlapping_events():
    """One in another, and two classes at the same time."""
    points = points_of(64, 4, torch.device("cpu"), causal=False)
    segments = torch.tensor([[10.0, 50.0], [28.0, 32.0], [28.0, 32.0]])
    found = assign_events(points, segments, torch.tensor([0, 1, 2]), 3, causal=False)
    inner = found.classes[:, 1] > 0
    assert torch.equal(found.classes[:, 1], found.classes[:, 2]) and inner.any()
    outer = found.classes[:, 0] > 0
    assert outer.any() and not (outer & inner).any()
    assert (found.where[outer] == segments[0]).all()
    assert (found.where[inner] == segments[1]).all()


@for_each("causal", [False, True])
def test_padding_changes_nothing(causal):
    made = head(causal=causal).double()
    steps = torch.randn(2, 16, WIDTH, dtype=torch.float64)
    steps[1, 11:] = torch.nan
    found = made.read(steps, torch.tensor([16, 11]))
    alone = made.read(steps[1:, :11])
    for name in ("logits", "segments", "rough"):
        for level, (one, other) in enumerate(
            zip(
                levels_of(getattr(found, name), 16), levels_of(getattr(alone, name), 11)
            )
        ):
            real = 11 // 2**level if causal else -(-11 // 2**level)
            torch.testing.assert_close(one[1:, :real], other[:, :real])
            assert bool(one[0].isfinite().all())
            if name == "logits":
                assert bool((one[1, real:] == -30).all())


@for_each("causal", [False, True])
def test_parts_give_what_the_film_gives(causal):
    made = head(causal=causal)
    before, behind = made.reach
    stride = made.stride
    steps = torch.randn(1, 400, WIDTH)
    whole = made.read(steps)
    first, last = 160, 160 + 3 * stride  # the points in question
    start = (first - before) // stride * stride
    assert start > 0 and last + behind < 400
    part = made.read(steps[:, start : last + behind])
    for field in ("logits", "segments", "rough"):
        pairs = zip(
            levels_of(getattr(whole, field), 400),
            levels_of(getattr(part, field), last + behind - start),
        )
        for level, (one, other) in enumerate(pairs):
            one = one[:, first >> level : last >> level]
            other = other[:, (first - start) >> level : (last - start) >> level]
            shift = 0 if field == "logits" else start
            torch.testing.assert_close(one, other + shift, atol=1e-4, rtol=1e-5)
    # a step more than it reaches to is not needed, one less is
    steps = steps.clone()
    steps[:, : first - before - stride] += 5
    if behind:
        steps[:, last + behind + stride :] -= 5
    changed = made.read(steps)
    for level, (one, other) in enumerate(
        zip(levels_of(whole.segments, 400), levels_of(changed.segments, 400))
    ):
        kept = slice(first >> level, last >> level)
        assert torch.equal(one[:, kept], other[:, kept])


def test_short_films():
    """Less steps than the coarsest level covers, one step, one film."""
    for causal in (False, True):
        made = head(causal=causal).train()
        for steps in (1, 2, 5):
            given = fused(torch.randn(1, steps, WIDTH), window=[[0.0, steps / 8]])
            losses = made.loss(given, [sample([[0.0, 0.1]], [1])])
            sum(losses.values()).backward()
            assert all(bool(one.isfinite()) for one in losses.values()), losses
            made.predict(given, [one := sample([], [])])
            segments = one.pred_instances.segments
            assert bool(((segments >= 0) & (segments <= steps / 8)).all())


def test_no_event():
    made = head().train()
    given = fused(torch.randn(2, 8, WIDTH), window=[[0.0, 1.0], [1.0, 2.0]])
    # the second one's event lies elsewhere in the film
    losses = made.loss(given, [sample([], []), sample([[5.0, 6.0]], [2])])
    sum(losses.values()).backward()
    assert losses["loss_cls"] > 0
    assert losses["loss_rough"] == losses["loss_edges"] == 0
    assert all(one.grad is not None for one in made.parameters())


def test_times_are_those_of_the_film():
    made = head()
    steps = torch.randn(1, 24, WIDTH)
    found = []
    for window in ([[0.0, 3.0]], [[100.0, 106.0]]):
        made.predict(fused(steps, window=window), [one := sample([], [])])
        found.append(one.pred_instances)
        assert one.pred_instances.scores.diff().max() <= 0
        assert len(one.pred_instances.segments) > 10
    torch.testing.assert_close(100 + 2 * found[0].segments, found[1].segments)
    assert torch.equal(found[0].labels, found[1].labels)


def test_clips_of_a_sample_are_joined():
    """Their candidates are compared with each other."""
    made = head(min_score=0.3)
    steps = torch.randn(1, 24, WIDTH).repeat(2, 1, 1)
    apart = fused(steps, window=[[0.0, 3.0], [50.0, 53.0]])
    made.predict(apart, [one := sample([], [])])
    made.predict(fused(steps[:1], window=[[0.0, 3.0]]), [first := sample([], [])])
    assert len(one.pred_instances) == 2 * len(first.pred_instances)
    same = fused(steps, window=[[0.0, 3.0], [0.0, 3.0]])
    made.predict(same, [one := sample([], [])])
    assert len(one.pred_instances) < 2 * len(first.pred_instances)


def test_losses_by_their_formulas():
    found = torch.tensor([[0.0, 4.0], [1.0, 2.0], [3.0, 3.0]], dtype=torch.float64)
    true = torch.tensor([[1.0, 5.0], [4.0, 6.0], [2.0, 4.0]], dtype=torch.float64)
    # one minus the overlap, plus (distance of middles / length of both together)^2
    wanted = [1 - 3 / 5 + (1 / 5) ** 2, 1 + (3.5 / 5) ** 2, 1 - 0 + 0]
    torch.testing.assert_close(
        diou_loss_1d(found, true), torch.tensor(wanted, dtype=torch.float64)
    )
    logits = torch.tensor([2.0, -1.0], dtype=torch.float64)
    p = logits.sigmoid()
    wanted = [
        -0.25 * (1 - p[0]) ** 2 * p[0].log(),
        -0.75 * p[1] ** 2 * (1 - p[1]).log(),
    ]
    targets = torch.tensor([1.0, 0.0], dtype=torch.float64)
    torch.testing.assert_close(sigmoid_focal_loss(logits, targets), torch.stack(wanted))


def test_edges_go_to_the_response():
    """To a response half way between two steps, from up to a few steps away."""
    response = torch.full((1, 40), -20.0)
    response[0, [19, 20]] = 20.0  # the edge between step 19 and step 20
    edges = torch.tensor([[17.0, 19.5, 20.0, 22.0, 35.0]])
    last = torch.full((1, 5), 39.0)
    found = refine_edges(edges, response, last, 6)
    torch.testing.assert_close(
        found, torch.tensor([[20.0, 20.0, 20.0, 20.0, 35.0]]), atol=0.51, rtol=0
    )
    torch.testing.assert_close(found[0, 2:3], torch.tensor([20.0]))
    blind = refine_edges(edges, response, torch.full((1, 5), 15.0), 6)
    assert not bool((blind > 19).all())


BAD = {
    "ends before it begins": dict(segments=[[3.0, 2.0]], labels=[0]),
    r"labels must lie in 0..3, got \[4\]": dict(segments=[[0.0, 2.0]], labels=[4]),
    r"must have shape \(1, 2\)": dict(segments=[[0.0, 2.0, 3.0]], labels=[1]),
    "not all finite": dict(segments=[[0.0, float("nan")]], labels=[0]),
}


def test_bad_truth_names_the_file():
    made, steps = head(), fused(torch.randn(1, 8, WIDTH), window=[[0.0, 1.0]])
    for message, given in BAD.items():
        one = sample([], [], name="wrong.mp4")
        one.gt_instances = InstanceData(
            **{name: torch.tensor(value) for name, value in given.items()}
        )
        with pytest.raises(ValueError, match=f"wrong.mp4: .*{message}"):
            made.loss(steps, [one])
    with pytest.raises(ValueError, match="'segments', found none"):
        made.loss(steps, [ActionDataSample()])


def test_unknown_seconds():
    made, given = head(), fused(torch.randn(1, 8, WIDTH))
    for call in (made.loss, made.predict):
        with pytest.raises(
            ValueError, match=r"film.mp4.*clip_starts and clip_duration"
        ):
            call(given, [sample([], [])])


def test_bad_arguments():
    for name in ("num_classes", "channels", "levels"):
        with pytest.raises(ValueError, match=f"{name} is 0"):
            head(**{name: 0})


def test_a_point_that_is_sure_of_no_event_is_still_told():
    """Its logits may lie below that of what is no step."""
    logits = torch.tensor([[[NOT_REAL - 5, 0.0], [NOT_REAL, NOT_REAL], [1.0, 2.0]]])
    one = Targets(torch.ones(3, 2), torch.zeros(3, 2), torch.ones(3, dtype=torch.bool))
    found = real_targets([one], logits)
    assert found.positive.tolist() == [[True, False, True]]
    assert found.classes[..., 0].tolist() == [[1, 0, 1]]
