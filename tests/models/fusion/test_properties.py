"""What the contract demands of every fusion operator that is registered."""

from __future__ import annotations

import itertools

import pytest
import torch
from helpers_culprits import for_each
from mmaction.registry import MODELS

import mmstconv.models  # noqa: F401  (the look-up imports it too late for REGISTERED)
from mmstconv.models import FusionOperator

WIDTHS = {"rgb": 6, "flow": 5, "audio": 3}
TRUNK = dict(
    type="STConvNet",
    stages=[dict(channels=7, temporal_pool=dict(mode="max", size=2))],
    # without a batch norm, so that rows can be looked at one by one
    norm_cfg=None,
)
# Arguments beside the channels of the modalities.
CASES = {
    "ClassWeightedFusion": dict(num_classes=4),
    "CompactBilinearFusion": dict(channels=16),
    "ConcatFusion": dict(),
    "ContextGatingFusion": dict(),
    "Conv3dFusion": dict(trunk=TRUNK),
    "ConvFusion": dict(channels=8),
    "CrossModalAttentionFusion": dict(channels=8, num_heads=2),
    "GatedMultimodalUnit": dict(channels=8),
    "LateFusion": dict(num_classes=4),
    "LowRankTensorFusion": dict(channels=8, rank=2),
    "MaxFusion": dict(channels=8),
    "SumFusion": dict(channels=8),
}
REGISTERED = sorted(
    name
    for name, cls in MODELS.module_dict.items()
    if isinstance(cls, type)
    and issubclass(cls, FusionOperator)
    and cls.__module__.startswith("mmstconv.")
)
SCORES = [name for name in REGISTERED if MODELS.get(name).gives_scores]
FEATURES = [name for name in REGISTERED if not MODELS.get(name).gives_scores]
PER_STEP = [name for name in REGISTERED if not MODELS.get(name).takes_maps]
WITH_WEIGHTS = [name for name in REGISTERED if hasattr(MODELS.get(name), "weights")]
every = for_each("name", REGISTERED)


def build(name, widths=None, **kwargs):
    widths = widths or WIDTHS
    cfg = dict(type=name, in_channels=widths, **{**CASES[name], **kwargs})
    fusion = MODELS.build(cfg)
    for parameter in fusion.parameters():  # no parameter at a special value
        torch.nn.init.normal_(parameter, std=0.5)
    return fusion


def features(name, batch=3, steps=4):
    feats = {}
    for modality, width in WIDTHS.items():
        shape = (batch, steps, width)
        if MODELS.get(name).takes_maps:
            shape = (batch, width, *((9,) if modality == "audio" else (steps, 3, 3)))
        feats[modality] = torch.randn(shape, requires_grad=True)
    return feats


def presence_of(*present, batch=3):
    """Row 1 has only these modalities; the others have all."""
    rows = torch.arange(batch)
    return {m: (rows != 1) | torch.tensor(m in present) for m in WIDTHS}


def test_every_operator_has_a_case():
    assert REGISTERED == sorted(CASES)


@every
@for_each("batch", [1, 3])
@for_each("steps", [2, 4])
def test_shape_and_gradient(name, batch, steps):
    fusion, feats = build(name), features(name, batch, steps)
    y = fusion(feats)
    out_steps = steps // 2 if fusion.takes_maps else steps
    assert y.shape == (batch, out_steps, fusion.out_channels)
    (y * torch.randn_like(y)).sum().backward()
    for key, tensor in [*feats.items(), *fusion.named_parameters()]:
        assert tensor.grad is not None and tensor.grad.abs().sum() > 0, key


@for_each(
    "name, kwargs",
    [(name, {}) for name in REGISTERED]
    # of scores an absent modality is always left out
    + [(name, dict(learned_absent=True)) for name in FEATURES],
)
@for_each("content", [1e6, float("nan"), float("inf")])
def test_absent_content_does_not_count(name, kwargs, content):
    fusion = build(name, **kwargs)
    presence = presence_of("flow")

    def run(feats):
        fusion.zero_grad()
        y = fusion(feats, presence)
        (y * torch.linspace(-1, 1, y.numel()).view_as(y)).sum().backward()
        return y, [p.grad.clone() for p in fusion.parameters()]

    feats = features(name)
    changed = {m: x.detach().clone() for m, x in feats.items()}
    for modality in ("rgb", "audio"):
        changed[modality][1] = content
        changed[modality].requires_grad_()
    (y, grads), (y_changed, grads_changed) = run(feats), run(changed)
    assert y.isfinite().all()
    assert torch.equal(y, y_changed)
    assert all(map(torch.equal, grads, grads_changed))
    for modality in ("rgb", "audio"):
        assert torch.equal(
            changed[modality].grad[1], torch.zeros_like(feats[modality][1])
        )
        assert changed[modality].grad[0].abs().sum() > 0


@every
def test_presence_matters(name):
    """An absent modality is not the same as a present one that holds zeros."""
    fusion, feats = build(name), features(name)
    y = fusion(feats, presence_of("rgb"))
    everything = fusion(feats)
    torch.testing.assert_close(y[0], everything[0])
    assert not torch.allclose(y[1], everything[1])


@every
def test_a_modality_without_presence_is_present(name):
    fusion, feats = build(name), features(name)
    expected = fusion(feats, {m: torch.ones(3, dtype=torch.bool) for m in WIDTHS})
    assert torch.equal(fusion(feats), expected)
    assert torch.equal(fusion(feats, {}), expected)


@every
@for_each("count", [0, 1, 2])
def test_finite_with_few_modalities(name, count):
    fusion, feats = build(name), features(name)
    for present in itertools.combinations(WIDTHS, count):
        fusion.zero_grad()
        y = fusion(feats, presence_of(*present))
        assert y.isfinite().all(), present
        with torch.autograd.set_detect_anomaly(True):  # no NaN on the way, either
            y.square().sum().backward()
        for tensor in (*feats.values(), *fusion.parameters()):
            assert tensor.grad.isfinite().all(), present


@every
def test_one_modality_alone(name):
    fusion = build(name, {"rgb": 6})
    x = {"rgb": features(name)["rgb"]}
    y = fusion(x, {"rgb": torch.tensor([True, False, True])})
    assert y.isfinite().all()
    assert not torch.allclose(y[0], y[1])


@every
def test_no_dict_order_matters(name):
    fusion, feats = build(name), features(name)
    turned = build(name, dict(reversed(WIDTHS.items())))
    turned.load_state_dict(fusion.state_dict())
    expected = fusion(feats, presence_of("rgb", "audio"))
    assert torch.equal(
        turned(dict(reversed(feats.items())), presence_of("rgb", "audio")), expected
    )


# Operators whose weights belong to a modality by name; the others join channels, so
# another order of modalities is another order of the columns of a weight.
BY_NAME = [
    "ClassWeightedFusion",
    "CompactBilinearFusion",
    "CrossModalAttentionFusion",
    "LateFusion",
    "LowRankTensorFusion",
    "MaxFusion",
    "SumFusion",
]


@for_each("name", BY_NAME)
def test_order_of_modalities_does_not_matter(name):
    """Swapping modalities together with their weights changes nothing."""
    fusion, feats = build(name), features(name)
    new_name = {"audio": "z", "flow": "a", "rgb": "m"}  # audio flow rgb: flow rgb audio

    def renamed(key):
        parts = key.replace("bucket_", "bucket_.").replace("sign_", "sign_.").split(".")
        key = ".".join(new_name.get(part, part) for part in parts)
        return key.replace("bucket_.", "bucket_").replace("sign_.", "sign_")

    other = build(name, {new_name[m]: width for m, width in WIDTHS.items()})
    other.load_state_dict({renamed(k): v for k, v in fusion.state_dict().items()})
    presence = presence_of("flow", "rgb")
    expected = fusion(feats, presence)
    y = other(
        {new_name[m]: x for m, x in feats.items()},
        {new_name[m]: x for m, x in presence.items()},
    )
    torch.testing.assert_close(y, expected, atol=1e-5, rtol=1e-4)


@for_each("name", PER_STEP)
def test_steps_do_not_mix(name):
    fusion, feats = build(name), features(name)
    presence = presence_of("flow")
    steps = [
        fusion({m: x[:, t : t + 1] for m, x in feats.items()}, presence)
        for t in range(4)
    ]
    torch.testing.assert_close(
        fusion(feats, presence), torch.cat(steps, dim=1), atol=1e-5, rtol=1e-4
    )


@for_each("name", FEATURES)
def test_learned_absent(name):
    """An embedding is what the modality would be if it held just that."""
    fusion, feats = build(name, learned_absent=True), features(name)
    y = fusion(feats, presence_of("rgb", "flow"))
    shape = (-1, 1) if fusion.takes_maps else (1, -1)
    same = {m: x.detach().clone() for m, x in feats.items()}
    same["audio"][1] = fusion.absent["audio"].detach().view(shape)
    torch.testing.assert_close(y, fusion(same))
    y.square().sum().backward()
    assert fusion.absent["audio"].grad.abs().sum() > 0
    # Present everywhere: still part of the graph, as distributed training wants.
    fusion.zero_grad()
    fusion(feats).square().sum().backward()
    for modality, width in WIDTHS.items():
        assert torch.equal(fusion.absent[modality].grad, torch.zeros(width))


@for_each("name", FEATURES)
def test_learned_absent_starts_at_zero(name):
    cfg = dict(type=name, in_channels=WIDTHS, learned_absent=True, **CASES[name])
    fusion = MODELS.build(cfg)
    fusion.init_weights()
    assert list(fusion.absent) == sorted(WIDTHS)
    assert all(not p.any() for p in fusion.absent.values())


@pytest.mark.parametrize("name", SCORES)
def test_scores_are_log_probabilities(name):
    y = build(name)(features(name), presence_of())
    torch.testing.assert_close(y.exp().sum(-1), torch.ones(3, 4))
    torch.testing.assert_close(y[1].exp(), torch.full((4, 4), 0.25))


@for_each("name", WITH_WEIGHTS)
@for_each("present", [(), ("flow",), ("audio", "rgb")])
def test_weights(name, present):
    fusion, feats = build(name), features(name)
    with torch.no_grad():
        shares = fusion.weights(feats, presence_of(*present))
    assert set(shares) == set(WIDTHS)
    for modality, share in shares.items():
        assert share.shape == (3, 4)
        assert ((share >= 0) & (share <= 1)).all()
        assert (share[[0, 2]] > 0).all()
        assert (share[1] > 0).all() if modality in present else not share[1].any()
    if name != "ContextGatingFusion":  # whose gates are independent
        total = sum(shares.values())
        expected = torch.ones(3, 4)
        expected[1] = float(bool(present))
        torch.testing.assert_close(total, expected)


@every
def test_half_precision_autocast(name):
    fusion, feats = build(name), features(name)
    expected = fusion(feats, presence_of("rgb"))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = fusion(feats, presence_of("rgb"))
        if name in WITH_WEIGHTS:
            fusion.weights(feats, presence_of("rgb"))
    y.float().square().sum().backward()
    assert all(p.grad.isfinite().all() for p in fusion.parameters())
    # Eight bits of mantissa, a few operations in a row
    scale = expected.abs().max()
    assert (y.float() - expected).abs().max() < 0.08 * scale
    if name in SCORES:
        assert y.dtype == torch.float32


@every
def test_features_in_half_precision(name):
    """What streams hand over under autocast."""
    fusion = build(name)
    feats = {m: x.bfloat16() for m, x in features(name).items()}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert fusion(feats, presence_of("rgb")).isfinite().all()


@every
def test_state_dict_round_trip(name):
    fusion, feats = build(name), features(name)
    other = build(name)
    other.load_state_dict(fusion.state_dict())
    assert torch.equal(other(feats), fusion(feats))


@every
def test_inputs_are_not_changed(name):
    fusion, feats = build(name), features(name)
    before = {m: x.clone() for m, x in feats.items()}
    fusion(feats, presence_of("rgb"))
    assert all(torch.equal(before[m], feats[m]) for m in WIDTHS)


@every
def test_errors(name):
    fusion, feats = build(name), features(name)
    with pytest.raises(ValueError, match=r"'flow', 'rgb'.*got those of"):
        fusion({"rgb": feats["rgb"]})
    with pytest.raises(ValueError, match=r"expected .*6.* of 'rgb', got .*5"):
        fusion(dict(feats, rgb=feats["flow"]))
    with pytest.raises(ValueError, match="must agree in"):
        fusion(dict(feats, rgb=feats["rgb"][:2]))
    with pytest.raises(ValueError, match=r"presence of 'rgb': expected bool \(3,\)"):
        fusion(feats, {"rgb": torch.ones(2, dtype=torch.bool)})
    with pytest.raises(ValueError, match=r"presence of 'rgb': expected bool \(3,\)"):
        fusion(feats, {"rgb": torch.ones(3)})
