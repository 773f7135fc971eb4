"""Events of a film fed piece by piece are those of the whole film."""

from __future__ import annotations

import pytest
import torch
from helpers_culprits import for_each
from mmengine.structures import InstanceData

from mmstconv.models import TemporalEventHead, TemporalSpottingHead
from mmstconv.models.streaming import OnlineEvents
from mmstconv.models.streaming.clusters import Clusters

WIDTH, STEPS, STEP, START = 6, 420, 0.125, 20.0
MIN_SCORE = 0.2
EVENTS = dict(num_classes=4, in_channels=WIDTH, channels=8, min_score=MIN_SCORE)
HEADS = {
    "events": lambda causal: TemporalEventHead(**EVENTS, levels=2, causal=causal),
    "instants": lambda causal: TemporalSpottingHead(**EVENTS, causal=causal),
}


def made(kind, causal):
    torch.manual_seed(5)
    head = HEADS[kind](causal)
    for parameter in head.class_tower.out.parameters():
        torch.nn.init.normal_(parameter)
    # rare peaks, so that events lie apart
    torch.nn.init.constant_(head.class_tower.out.conv.bias, -4.0)
    return head.eval()


def film(steps=STEPS):
    return torch.randn(1, steps, WIDTH, generator=torch.Generator().manual_seed(1))


def of_whole(head, steps):
    """All events that the head finds in the film at once."""
    with torch.no_grad():
        clock = head.clock(START, STEP, steps.shape[1])
        return head.settle([head.candidates(head.read(steps), 0, clock)], None)


def assert_same(found, wanted):
    """The same rows in any order: class, seconds and score to 1e-5."""
    one, other = (
        torch.cat([rows.labels[:, None], when(rows), rows.scores[:, None]], 1).double()
        for rows in (found, wanted)
    )
    assert len(one) == len(other)
    apart = (one[:, None] - other).abs().amax(2)
    assert apart.amin(0).max() < 1e-5 and apart.amin(1).max() < 1e-5


def when(found):
    return found.segments if "segments" in found else found.times[:, None]


@for_each("kind, causal", [(kind, causal) for kind in HEADS for causal in (0, 1)])
def test_as_the_whole_film(kind, causal):
    head, steps = made(kind, bool(causal)), film()
    wanted = of_whole(head, steps)
    assert len(wanted) > 15
    for size in (1, 7, 64, STEPS):
        if size == 1 and not causal:
            continue  # the same code, many more calls
        events = OnlineEvents(head, step=STEP, start=START, min_score=MIN_SCORE)
        told, kept = [], 0
        for piece in steps.split(size, 1):
            told.append(events.push(piece))
            kept = max(kept, events.kept.shape[1])
        early = sum(map(len, told))
        told.append(events.finish())
        assert size == STEPS or early > 10
        before, behind = head.reach
        assert kept <= before + behind + 3 * head.stride
        assert_same(InstanceData.cat(told), wanted)


def test_a_causal_instant_does_not_lie_ahead():
    """Of a head that has not learned so; it can still learn it."""
    head, steps = made("instants", causal=True), film()
    torch.nn.init.constant_(head.offset_tower.out.conv.bias, 3.0)
    times = head.read(steps).times
    assert (times <= head.points(STEPS, steps.device).time).all()
    times.sum().backward()
    assert head.offset_tower.out.conv.bias.grad > 0
    wanted = of_whole(head, steps)
    assert len(wanted) > 15
    for size in (1, 7):
        events = OnlineEvents(head, step=STEP, start=START, min_score=MIN_SCORE)
        told = [events.push(piece) for piece in steps.split(size, 1)]
        assert_same(InstanceData.cat([*told, events.finish()]), wanted)


@for_each("kind", HEADS)
def test_scores_of_the_past_do_not_depend_on_the_future(kind):
    head, steps = made(kind, causal=True), film(120)
    with torch.no_grad():
        whole = head.read(steps)
        for seen in (1, 8, 37, 64, 119):
            part = head.read(steps[:, :seen])
            all_points, points = (
                head.points(count, steps.device).time for count in (120, seen)
            )
            now = all_points <= seen
            own = points <= seen
            assert now.sum() == own.sum() > 0
            fields = set(whole._fields) - {"ongoing"}
            for field in fields:
                one, other = getattr(whole, field), getattr(part, field)
                torch.testing.assert_close(
                    one[:, now], other[:, own], atol=1e-5, rtol=1e-5
                )
            if kind == "events":
                torch.testing.assert_close(
                    whole.ongoing[:, :seen],
                    part.ongoing[:, :seen],
                    atol=1e-5,
                    rtol=1e-5,
                )


def test_what_goes_on_now():
    """Probabilities of each newest step, as those of the whole film."""
    head, steps = made("events", causal=True), film(90)
    events = OnlineEvents(head, step=STEP)
    ongoing = []
    for piece in steps.split(5, 1):
        events.push(piece)
        assert events.ongoing.shape == (5, 4)
        ongoing.append(events.ongoing)
    with torch.no_grad():
        wanted = head.read(steps).ongoing[0, :90].sigmoid()
    torch.testing.assert_close(torch.cat(ongoing), wanted, atol=1e-5, rtol=1e-5)
    offline = OnlineEvents(made("events", causal=False), step=STEP)
    offline.push(steps)
    assert offline.ongoing is None


def test_patience_tells_sooner():
    head, steps = made("events", causal=True), film()
    when = {}
    for patience in (None, 0.5):
        events = OnlineEvents(
            head, step=STEP, start=START, min_score=MIN_SCORE, patience=patience
        )
        late = []
        for number, piece in enumerate(steps.split(4, 1)):
            now = START + (number + 1) * 4 * STEP
            told = events.push(piece)
            late += (now - told.segments[:, 1]).tolist()
        when[patience] = torch.tensor(late)
        assert len(late) > 20
    assert when[0.5].min() > 0.5
    assert when[0.5].median() < when[None].median()


def test_a_film_of_nothing():
    head = made("events", causal=False)
    events = OnlineEvents(head, step=STEP)
    assert len(events.finish()) == 0
    with pytest.raises(ValueError, match=r"\(1, t, D\), got \(2, 3, 6\)"):
        events.push(torch.zeros(2, 3, 6))
    assert len(events.push(film(3))) == 0


def test_clusters():
    """What overlaps in a chain is closed together, each class by itself."""
    clusters = Clusters()
    assert clusters.close(9.0) is None
    spans = torch.tensor([[0.0, 2], [1, 4], [3, 6], [7, 8], [0, 5], [7, 9]])
    given = InstanceData(
        labels=torch.tensor([0, 0, 0, 0, 1, 1]), number=torch.arange(6)
    )
    clusters.add(given[:3], spans[:3])
    clusters.add(given[3:], spans[3:])
    closed = [clusters.close(time).number.tolist() for time in (4.5, 5.5, 6.5, 8.5, 99)]
    assert closed == [[], [4], [0, 1, 2], [3], [5]]
    clusters.add(given, spans)
    cut = [clusters.close(4.5, time).number.tolist() for time in (0.0, 0.5)]
    assert cut == [[], [0, 1]]  # of the chain that began before it
    assert clusters.close(5.5, 0.5).number.tolist() == [4]
    assert clusters.close(9.5).number.tolist() == [2, 3, 5]


@for_each("kind", HEADS)
def test_a_chain_without_an_end(kind, monkeypatch):
    """Where every point is a candidate, what waits is bounded, and all are told."""
    monkeypatch.setattr("mmstconv.models.streaming.events.LONGEST", 64)
    head, steps = made(kind, causal=True), film(2000)
    torch.nn.init.constant_(head.class_tower.out.conv.weight, 0.0)
    torch.nn.init.constant_(head.class_tower.out.conv.bias, 9.0)
    events = OnlineEvents(head, step=STEP, start=START, min_score=MIN_SCORE)
    newest, waiting = [], []
    for piece in steps.split(50, 1):
        told = events.push(piece)
        if len(told):
            newest.append(float(when(told).max()))
        waiting.append(len(events.clusters.spans))
    assert max(waiting[20:]) <= max(waiting[:20])
    assert len(newest) > 15 and sorted(set(newest)) == newest
    assert when(events.finish()).max() > START + 1990 * STEP
