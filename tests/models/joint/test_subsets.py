"""Modalities taken away from a batch whose streams ran once."""

from __future__ import annotations

from itertools import chain, combinations

import pytest
import torch
from mmaction.registry import MODELS

from mmstconv.models.joint import subsets_of

NAMES = ("rgb", "flow", "audio")
PRESENCE = [{}, dict(audio=False), dict(rgb=False, flow=False)]
TRUNK = dict(type="STConvNet", stages=[dict(channels=7)], norm_cfg=None)
JOINTS = {
    "vector": {},
    "over time": dict(steps=2, temporal=dict(type="MeanOverTime")),
    "attention": dict(
        fusion=dict(type="CrossModalAttentionFusion", channels=8),
        temporal=dict(type="AttentionOverTime"),
    ),
    "scores": dict(fusion=dict(type="ClassWeightedFusion")),
    "maps": dict(fusion=dict(type="Conv3dFusion", trunk=TRUNK, grid=(2, 4, 4))),
}
FORMS = ("vector", "steps")


def all_members():
    return chain.from_iterable(combinations(NAMES, n) for n in range(4))


@pytest.fixture(params=JOINTS)
def model(request, make_cfg):
    cfg = make_cfg(**JOINTS[request.param])
    if request.param == "maps":
        for stream in cfg["streams"].values():
            stream["neck"] = None
    model = MODELS.build(cfg).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return model


def count_calls(modules):
    calls = dict.fromkeys(modules, 0)
    for name, module in modules.items():
        module.register_forward_hook(
            lambda *_, name=name: calls.update({name: calls[name] + 1})
        )
    return calls


@torch.no_grad()
def test_a_subset_is_a_fresh_pass_with_that_presence(model, make_inputs, make_samples):
    inputs, samples = make_inputs(), make_samples(presence=PRESENCE)
    backbones = {name: stream.backbone for name, stream in model.streams.items()}
    layers = {f"{name} over time": one for name, one in model.joint.temporal.items()}
    calls = count_calls({**backbones, **layers})
    fused = model.fuse(inputs, samples)
    found = {
        name: {form: getattr(one, form) for form in FORMS}
        for name, one in fused.subsets()
    }
    assert set(calls.values()) == {1}, calls  # for eight subsets in two forms

    assert list(found) == ["+".join(members) or "none" for members in all_members()]
    wrong = []
    for members, forms in zip(all_members(), found.values()):
        given = [{name: False for name in NAMES if name not in members}] * 3
        given = [{**one, **other} for one, other in zip(PRESENCE, given)]
        fresh = model.fuse(inputs, make_samples(presence=given))
        only = fused.only(*members)
        for form, value in forms.items():
            # Streams in which no sample is left give a single step of zeros.
            other = getattr(fresh, form)
            if value.shape == other.shape and not torch.allclose(
                value, other, atol=1e-5
            ):
                wrong.append((members, form))
            if not torch.equal(getattr(only, form), value):
                wrong.append((members, form, "only"))
        if forms["vector"].shape != fresh.vector.shape:
            wrong.append((members, "shape"))
    assert not wrong


@torch.no_grad()
def test_what_a_batch_is_without_a_modality(model, make_inputs, make_samples):
    inputs, samples = make_inputs(), make_samples(presence=PRESENCE)
    fused = model.fuse(inputs, samples)
    calls = count_calls(dict(model.joint.temporal))
    before = [fused.without(name)[1].vector for name in NAMES]
    assert len(before) == 3 and set(calls.values()) <= {1}, calls
    wrong = []
    for name in NAMES:
        rows, without = fused.without(name)
        has = [row for row, one in enumerate(PRESENCE) if one.get(name, True)]
        assert rows.tolist() == has
        given = [{**PRESENCE[row], name: False} for row in range(3)]
        fresh = model.fuse(inputs, make_samples(presence=given))
        assert without.vector.shape[0] == len(has)
        if not torch.allclose(without.vector, fresh.vector[has], atol=1e-5):
            wrong.append((name, "vector"))
        assert {key: one.tolist() for key, one in without.presence.items()} == {
            key: [given[row].get(key, True) for row in has] for key in NAMES
        }
        # and what is left of that, with more taken away
        less = without.only("rgb")
        alone = fused.only(*({"rgb"} - {name}))
        if not torch.equal(less.steps, alone.steps[has]):
            wrong.append((name, "steps of less"))
    assert not wrong


def test_the_batch_itself_is_left_as_it_is(model, make_inputs, make_samples):
    fused = model.fuse(make_inputs(), make_samples(presence=PRESENCE))
    before = {name: here.clone() for name, here in fused.presence.items()}
    vector = fused.vector.clone()
    for _, one in fused.subsets():
        _ = one.vector
    fused.without("audio")
    for name, here in before.items():
        assert torch.equal(fused.presence[name], here), name
    assert torch.equal(fused.vector, vector)
    assert all(here.device.type == "cpu" for here in fused.presence.values())


def test_weights_are_shares_of_what_is_present(make_model, make_inputs, make_samples):
    model = make_model(fusion=dict(type="GatedMultimodalUnit", channels=8)).eval()
    fused = model.fuse(make_inputs(), make_samples(presence=PRESENCE))
    weights = fused.weights()
    torch.testing.assert_close(sum(weights.values()), torch.ones(3, 1))
    absent = [(row, name) for row, one in enumerate(PRESENCE) for name in one]
    assert absent and not any(weights[name][row].any() for row, name in absent)
    alone = fused.only("flow").weights()["flow"][:, 0]
    torch.testing.assert_close(alone, torch.tensor([1.0, 1.0, 0.0]))
    assert (
        make_model(fusion=dict(type="ConcatFusion")).fuse(make_inputs()).weights() == {}
    )


def test_names_of_subsets():
    names = [name for name, _ in subsets_of(("a", "b", "c", "d"))]
    assert len(set(names)) == len(names) == 2**4
    assert names[0] == "none" and names[-1] == "a+b+c+d" and "b+d" in names
